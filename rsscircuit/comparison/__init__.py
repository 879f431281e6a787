"""Banks against each other and against their rivals, at equal area: what `compare-banks` shows."""

from rsscircuit.comparison.bits import Interval, effective_bits, median_interval
from rsscircuit.comparison.compare import DIES, LEAST_DIES, compare_banks

__all__ = ["DIES", "LEAST_DIES", "Interval", "compare_banks", "effective_bits", "median_interval"]
