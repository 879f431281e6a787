"""Wires against badcrossbar and against ngspice with one resistor a crossing."""

from __future__ import annotations

import importlib
import logging
import warnings
from types import ModuleType

import numpy as np
import pytest

from rsscircuit.simulate import ngspice
from rsscircuit.simulate.nodal import WiredArray, effective_matrix, solve


@pytest.fixture(scope="module")
def badcrossbar() -> ModuleType:
    with warnings.catch_warnings(record=True):  # it says that it does without pycairo, which it only draws with
        module = importlib.import_module("badcrossbar")
    logging.getLogger("badcrossbar").setLevel(logging.WARNING)
    return module


def drawn(shape: tuple[int, int], seed: int) -> np.ndarray:
    """Conductances from 0.5 to 50 uS, a quarter of the crossings open."""
    rng = np.random.default_rng([seed, *shape])
    return np.exp(rng.uniform(np.log(5e-7), np.log(5e-5), shape)) * (rng.random(shape) < 0.75)


@pytest.mark.parametrize("segments", [(2.5, 2.5), (40.0, 3.0), (3.0, 40.0), (0.0, 10.0), (10.0, 0.0)])
@pytest.mark.parametrize("shape", [(8, 6), (32, 32), (64, 20)])
def test_agrees_with_badcrossbar(
    shape: tuple[int, int], segments: tuple[float, float], badcrossbar: ModuleType
) -> None:
    siemens = drawn(shape, 1)
    volts = np.random.default_rng(2).uniform(-0.2, 0.2, (5, shape[0]))
    ohm = np.divide(1.0, siemens, out=np.full(shape, np.inf), where=siemens > 0.0)
    theirs = badcrossbar.compute(volts.T, ohm, r_i_word_line=segments[0], r_i_bit_line=segments[1])
    ours = solve(WiredArray(siemens=siemens, word_ohm=segments[0], bit_ohm=segments[1]), volts, nodes=True)
    full = np.abs(volts @ siemens).max()
    assert ours.word_volts is not None
    assert ours.bit_volts is not None
    assert np.abs(ours.amperes - theirs.currents.output).max() <= 1e-9 * full
    closed = siemens > 0.0
    for mine, other in ((ours.word_volts, theirs.voltages.word_line), (ours.bit_volts, theirs.voltages.bit_line)):
        assert np.abs(mine.transpose(1, 2, 0)[closed] - other[closed]).max() <= 1e-9 * 0.2


def deck_of(array: WiredArray) -> str:
    """A resistor a crossing and a segment, all word lines at 0 V, numbers in full."""
    lines, columns = array.siemens.shape
    text = ["* wires"]

    def resistor(a: str, b: str, ohm: float) -> None:
        text.append(f"R{len(text)} {a} {b} {ohm!r}")

    for line in range(lines):
        text.append(f"Vi{line} i{line} 0 DC 0.0")
        resistor(f"i{line}", f"w{line}_0", array.word_ohm)
        for column in range(1, columns):
            resistor(f"w{line}_{column - 1}", f"w{line}_{column}", array.word_ohm)
        if array.driven_from_both_ends:
            resistor(f"i{line}", f"w{line}_{columns - 1}", array.word_ohm)
    for column in range(columns):
        text.append(f"Vb{column} g{column} 0 DC 0.0")
        resistor(f"b{lines - 1}_{column}", f"g{column}", array.bit_ohm)
        for line in range(1, lines):
            resistor(f"b{line - 1}_{column}", f"b{line}_{column}", array.bit_ohm)
        if array.sensed_at_both_ends:
            resistor(f"b0_{column}", f"g{column}", array.bit_ohm)
    for (line, column), siemens in np.ndenumerate(array.siemens):
        if siemens > 0.0:
            resistor(f"w{line}_{column}", f"b{line}_{column}", 1.0 / float(siemens))
    return "\n".join([*text, "Vcase case 0 0", ".end", ""])  # the source that several cases are swept by


@pytest.mark.parametrize("ends", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("shape", [(8, 6), (24, 24)])
def test_agrees_with_ngspice_on_merged_resistors(shape: tuple[int, int], ends: tuple[bool, bool]) -> None:
    array = WiredArray(
        siemens=drawn(shape, 3), word_ohm=20.0, bit_ohm=5.0, driven_from_both_ends=ends[0], sensed_at_both_ends=ends[1]
    )
    volts = np.random.default_rng(4).uniform(-0.2, 0.2, (3, shape[0]))
    sources = {f"vi{line}": volts[:, line] for line in range(shape[0])}
    theirs = ngspice.operating_points(deck_of(array), sources, shape[1], where="wires")
    ours = solve(array, volts).amperes
    full = np.abs(volts @ array.siemens).max()
    assert np.abs(ours - volts @ array.siemens).max() >= 1e-3 * full  # the wires do matter
    assert np.abs(ours - theirs).max() <= 1e-10 * full
    assert np.abs(volts @ effective_matrix(array) - theirs).max() <= 1e-10 * full
