"""How long a run will take: what it will do, times what a little of it takes on this computer.

For every bank a small tile is programmed, and the trained network runs a few inputs. That serves to decide whether to
wait, not more: equal resistors, whose sums coincide, and narrow tolerances take many times what other banks take.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from rsscircuit.banks import FloorPlan, MeasuredBanks, bank_spec, draw_die, measure, parse_terms
from rsscircuit.design import Rules, program, usable_siemens
from rsscircuit.errors import RsscircuitError
from rsscircuit.exploration.points import Study
from rsscircuit.exploration.space import Configuration
from rsscircuit.mapping import column_scale, layer_matrix
from rsscircuit.network import Network, run
from rsscircuit.seeds import stream
from rsscircuit.technology import load_technology

_ROWS, _COLUMNS = 8, 32
_INPUTS = 16
_CHIP, _LAYING_OUT = 2.0, 3.0  # an input through a chip, and what laying out takes for one, over the trained network
_DRAWN = 2  # times that banks are drawn and measured
_BESIDE = 1.3  # a design audited, packed, written and read, over its banks drawn and programmed


def seconds(
    study: Study, network: Network, inputs: NDArray[Any], calibrating: int, groups: Sequence[Sequence[int]]
) -> float:
    """Of one process for groups of points, each of one design.

    Args:
        study: What is asked of them.
        network: The network.
        inputs: Those that the chips will get.
        calibrating: How many inputs every design is laid out for.
        groups: The numbers of the points.
    """
    cells = sum(int(np.count_nonzero(layer_matrix(layer, 1.0).weights)) for layer in network.crossbar_layers)
    some = np.asarray(inputs[:_INPUTS], np.float64)
    one_input = _timed(partial(run, network, some)) / len(some)
    rates: dict[tuple[str, str | None, int | None], float] = {}
    total = 0.0
    for group in groups:
        first = study.axes.at(group[0])
        bank = first.technology, first.bank, first.resistors
        if bank not in rates:
            rates[bank] = _seconds_a_cell(first, study.tolerance)
        total += _BESIDE * rates[bank] * cells + one_input * (
            _LAYING_OUT * calibrating + len(inputs) * (1.0 + _CHIP * len(group))
        )
    return total


def _seconds_a_cell(configuration: Configuration, tolerance: float) -> float:
    """Of programming; 0 for a bank that there is not."""
    technology = load_technology(configuration.technology)
    chosen = configuration.described(technology)
    try:
        bank = bank_spec(chosen["bank"], chosen["resistors"], technology.resistor.unit_ohm)
        place = FloorPlan.of({"probe": 1}, (_ROWS, _COLUMNS), bank, technology).place(1, "probe", 0)
        present = np.ones((_ROWS, _COLUMNS), np.bool_)

        def drawn() -> MeasuredBanks:
            return measure(draw_die(bank, technology, present, place, parse_terms("all")), technology, bank, place)

        banks = drawn()
        weights = stream(1, "sample", die="probe").standard_normal((_ROWS, _COLUMNS))
        reach = usable_siemens(banks, None).sum(axis=3)
        targets = weights * column_scale(weights, reach[:, :, 0], reach[:, :, 1], 0.85)
        rules = Rules(tolerance_siemens=tolerance * float(np.abs(targets).max()))
        return (_timed(lambda: program(targets, banks, rules)) + _DRAWN * _timed(drawn)) / targets.size
    except RsscircuitError:
        return 0.0


def _timed(work: Callable[[], object]) -> float:
    """CPU seconds of a second run, whatever else the cores do: the first one loads what is compiled."""
    with threadpool_limits(1):
        work()
        began = time.process_time()
        work()
        return time.process_time() - began
