"""Simulators: one tile by three engines, Monte Carlo, and the whole network."""

from rsscircuit.simulate.engines import ENGINES, Setting, engine_named
from rsscircuit.simulate.inference import Evaluation, evaluate

__all__ = ["ENGINES", "Evaluation", "Setting", "engine_named", "evaluate"]
