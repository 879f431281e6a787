"""Simulators: one tile by three engines, Monte Carlo, and the whole network."""
