"""The netlists of a design: plain ngspice runs the files, and they say what PySpice says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import rsscircuit
from rsscircuit.errors import SimulationError
from rsscircuit.netlist import tile_deck
from rsscircuit.simulate import ngspice

CURRENT = re.compile(r"^i\(vb(\d+)\) = (\S+)$", re.MULTILINE)


def batch_currents(deck: Path) -> np.ndarray:
    done = subprocess.run(["ngspice", "-b", deck.name], cwd=deck.parent, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = {int(column): float(value) for column, value in CURRENT.findall(done.stdout)}
    return np.array([found[column] for column in range(len(found))])


def test_every_deck_runs_in_batch_mode_and_gives_the_closed_form(small_design: Path) -> None:
    design = rsscircuit.load(small_design)
    decks = 0
    for layer, tile, crossbar in design.crossbars():
        deck = small_design / "netlist" / layer.label / f"tile_{tile.index}.cir"
        volts = np.full((1, tile.rows), design.technology.drive.read_volt)
        exact = volts @ crossbar.pair_siemens() + crossbar.bend(design.technology).currents(volts)
        full = (volts @ np.abs(crossbar.pair_siemens())).max()
        assert np.abs(batch_currents(deck) - exact[0]).max() <= 1e-9 * full
        decks += 1
    assert decks == sum(len(layer.tiles) for layer in design.layers)


def test_batch_mode_and_pyspice_give_the_same_numbers(small_design: Path) -> None:
    deck = small_design / "netlist" / "hidden" / "tile_0.cir"
    in_process = ngspice.operating_points(deck.read_text(), {"vwp0": np.array([0.5])}, 4, where="deck")[0]
    assert in_process == pytest.approx(batch_currents(deck), rel=1e-12)


def test_a_bank_is_a_line_and_an_absent_cell_has_none(small_design: Path) -> None:
    design = rsscircuit.load(small_design)
    layer = design.layer("hidden")
    for tile in layer.tiles:
        text = (small_design / "netlist" / "hidden" / f"tile_{tile.index}.cir").read_text()
        cells = [line for line in text.splitlines() if line.startswith("X")]
        assert len(cells) == 2 * np.count_nonzero(layer.matrix.weights[tile.window])
    assert design.summary["zero_weights"] > 50
    assert design.summary["resistors_saved"] == 2 * design.bank.resistors * design.summary["zero_weights"]


def test_numbers_are_written_with_every_digit_and_no_suffix(small_design: Path) -> None:
    design = rsscircuit.load(small_design)
    layer = design.layer("conv")
    crossbar = design.crossbar(layer, layer.tiles[0])
    text = tile_deck(crossbar, design.technology, label="conv", segments=design.segments)
    values = re.findall(r"r\d+=(\S+)", "\n".join(line for line in text.splitlines() if line.startswith("X")))
    ohms = np.array([float(value) for value in values]).reshape(-1, 12)
    drawn = crossbar.die.on_siemens[crossbar.targets != 0].reshape(-1, 12)
    assert (ohms == 1.0 / drawn - design.technology.switch.on_ohm).all()
    numbers = re.findall(r"(?<![\w.])[-+]?\d[\w.+-]*", text.split(".subckt bank")[1].split("* voltage coefficient")[0])
    factors = re.findall(r" i=(\S+?)\*v", text)
    assert len(factors) == crossbar.closed.any(axis=3).sum()
    numbers += factors
    assert len(numbers) > 300
    assert all(repr(float(number)) == number or number.isdigit() for number in numbers)


def test_a_broken_deck_is_told_with_its_place(small_design: Path) -> None:
    deck = (small_design / "netlist" / "conv" / "tile_0.cir").read_text()
    broken = deck.replace(".subckt bank", ".subckt other")
    with pytest.raises(SimulationError, match="my tile"):
        ngspice.operating_points(broken, {"vwp0": np.array([0.5])}, 3, where="my tile")
    # and the session still works afterwards
    assert ngspice.operating_points(deck, {"vwp0": np.array([0.5])}, 3, where="my tile").shape == (1, 3)


def test_a_missing_bit_line_is_told(small_design: Path) -> None:
    deck = (small_design / "netlist" / "conv" / "tile_0.cir").read_text()
    with pytest.raises(SimulationError, match="no value of vb3#branch"):
        ngspice.operating_points(deck, {"vwp0": np.array([0.5])}, 9, where="my tile")
