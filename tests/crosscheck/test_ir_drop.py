"""Compensation of the wires, judged by ngspice: the effective matrix of a programmed tile, row by row."""

from __future__ import annotations

from functools import partial

import numpy as np

from rsscircuit.banks import Place, bank_spec, draw_die, measure
from rsscircuit.design import Crossbar, Rules, compensate, program
from rsscircuit.netlist import TileOptions, source_volts, tile_deck
from rsscircuit.simulate import ngspice
from rsscircuit.simulate.nodal import effective_siemens
from rsscircuit.technology import load_technology
from rsscircuit.technology.cell import Segments

SIZE = 16
WIRES = Segments(word_ohm=12.0, bit_ohm=9.0)  # some forty times those of the technology, for so small a tile


def test_ngspice_sees_the_weights_through_the_wires() -> None:
    """True banks, which differ from the measured ones: the error that is left is the solver's and the measurement's."""
    technology, spec = load_technology("sky130_xhigh_100k"), bank_spec("linear:0.8", 12, 1e5)
    full = float((1 / spec.nominal_ohm).sum())
    rng, place = np.random.default_rng(1), Place(seed=1, layer="t", tile=0)
    targets = np.clip(rng.laplace(0, 0.15, (SIZE, SIZE)), -0.7, 0.7) * full
    die = draw_die(spec, technology, targets != 0, place)
    banks, rules = measure(die, technology, spec, place), Rules(tolerance_siemens=2.0**-11 * full)
    choose, options = partial(program, measured=banks, rules=rules), TileOptions(merged=True, voltage_coefficient=False)
    wired = partial(effective_siemens, word_ohm=WIRES.word_ohm, bit_ohm=WIRES.bit_ohm)
    volts, errors = technology.drive.read_volt * np.eye(SIZE), []
    for plan in (choose(targets), compensate(targets, banks, choose, wired)):
        crossbar = Crossbar(layer="t", index=0, targets=targets, die=die, measured=banks, closed=plan.closed)
        deck = tile_deck(crossbar, technology, label="t", segments=WIRES, options=options)
        found = ngspice.operating_points(deck, source_volts(volts, technology, options), SIZE, where="tile 0")
        seen = found / technology.drive.read_volt
        assert np.abs(seen - wired(crossbar.bank_siemens())).max() < 1e-6 * full
        errors.append(float(np.sqrt(np.mean((seen - targets) ** 2) / np.mean(targets**2))))
    assert errors[0] > 0.015
    assert errors[1] < 0.1 * errors[0]
