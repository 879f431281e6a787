"""Many chips of one design: how the answers of the whole network spread over dies, and over drifts of one die."""

from rsscircuit.population.run import network_yield
from rsscircuit.population.summary import Limits

__all__ = ["Limits", "network_yield"]
