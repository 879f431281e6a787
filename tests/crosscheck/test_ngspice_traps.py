"""What PySpice and ngspice hide, brought to light by the one adapter: each trap met through the real library."""

from __future__ import annotations

import os
import re
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from rsscircuit import simulation
from rsscircuit.errors import SimulationError
from rsscircuit.netlist.elements import Transient
from rsscircuit.simulate import ngspice
from rsscircuit.simulate.ngspice import Held, joined

ONE = np.array([1.0])
DIVIDER = "* a divider\nV1 a 0 1\nR1 a b 1e3\nVb0 b 0 0\n.save i(vb0)\n.op\n.end\n"


def current(deck: str, columns: int = 1) -> np.ndarray:
    return ngspice.operating_points(deck, {"v1": ONE}, columns, where="the tile")[0]


def with_line(line: str) -> str:
    return DIVIDER.replace(".save", f"{line}\n.save")


@pytest.mark.parametrize(
    ("deck", "says"),
    [
        (with_line("X1 a 0 nothing"), "refused the netlist.*unknown subckt: x1 a 0 nothing"),
        (with_line("M1 a a 0 0 nomodel"), "refused the netlist.*could not find a valid modelname"),
        (with_line("zz top"), "refused the netlist.*Error on line 5.*zz top"),
        (with_line(".include /nowhere/models.lib"), "refused the netlist.*include file /nowhere/models.lib"),
    ],
)
def test_a_bad_netlist_is_refused_when_it_is_loaded(deck: str, says: str) -> None:
    with pytest.raises(SimulationError, match=f"the tile: ngspice {says}"):
        current(deck)
    assert current(DIVIDER) == pytest.approx(1e-3, rel=1e-12)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("C1 a c 1e-12\nR2 c d 1e3", "matrix is singular, because a node floats.*check node c"),
        ("V2 a 0 2", "matrix is singular.*contradict.*check node v1#branch"),
        ("R2 a c 1e3\nB1 c 0 i=u(v(c)-0.5)", 'no convergence.*trouble with node "c"'),
    ],
)
def test_an_analysis_that_fails_says_why_in_the_simulators_words(line: str, says: str) -> None:
    with pytest.raises(SimulationError, match=f"the tile: ngspice failed: .*{says}"):
        current(with_line(line))
    assert current(DIVIDER) == pytest.approx(1e-3, rel=1e-12)


def test_the_word_error_in_a_title_is_no_error() -> None:
    assert current(DIVIDER.replace("a divider", "error: the error of a divider")) == pytest.approx(1e-3, rel=1e-12)


def test_notes_on_attempts_to_converge_are_no_error() -> None:
    """A steep current that only gmin stepping solves: ngspice says so on its error output, and goes on."""
    hard = with_line("V2 e 0 1\nR2 e c 1e3\nB1 c 0 i=1e-3*tanh(1e5*(v(c)-0.3))")
    said: list[str] = []
    session = ngspice._session()
    load = session.exec_command

    def listening(command: str, *others: object) -> object:
        answer = load(command, *others)
        said.append(session.stderr)
        return answer

    session.exec_command = listening
    try:
        assert current(hard) == pytest.approx(1e-3, rel=1e-9)  # the divider's, beside it
    finally:
        del session.exec_command
    assert "gmin stepping" in "".join(said)


@pytest.mark.parametrize(
    ("deck", "columns", "says"),
    [
        (DIVIDER, 2, "no value of vb1#branch"),
        (DIVIDER.replace(".save i(vb0)", ".save v(a)"), 1, "no value of vb0#branch"),
        (DIVIDER.replace("Vb0 b 0 0", "Vb0 b 0 0\nB1 b 0 i=sqrt(-1)*v(a)"), 1, "vb0#branch that is not finite|failed"),
    ],
)
def test_a_truncated_result_is_told(deck: str, columns: int, says: str) -> None:
    with pytest.raises(SimulationError, match=says):
        current(deck, columns)


def test_a_sweep_that_is_too_short_is_told() -> None:
    session = ngspice._session()
    try:
        ngspice._load(session, DIVIDER, "the tile")
        ngspice._command(session, "dc v1 0 1 0.5", "the tile")
        assert len(ngspice._vectors(session, "dc", ["vb0#branch"], 3, "the tile")[0]) == 3
        with pytest.raises(SimulationError, match="the tile: ngspice returned 3 of 5 points of vb0#branch"):
            ngspice._vectors(session, "dc", ["vb0#branch"], 5, "the tile")
        with pytest.raises(SimulationError, match="no result"):
            ngspice._vectors(session, "tran", ["vb0#branch"], 3, "the tile")
    finally:
        ngspice._clear(session)


def test_a_transient_that_stops_early_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Transient(1e-6, 1e-5)
    assert ngspice.run(DIVIDER, asked, currents=["b0"], where="the tile")["time"][-1] == pytest.approx(1e-5)
    monkeypatch.setattr(ngspice.spice, "analysis_line", lambda analysis: ".tran 1e-6 5e-6")
    with pytest.raises(SimulationError, match="the tile: ngspice stopped before the end; got '5e-06 of 1e-05 s'"):
        ngspice.run(DIVIDER, asked, currents=["b0"], where="the tile")


def test_only_what_a_deck_saves_comes_back() -> None:
    session = ngspice._session()
    try:
        ngspice._load(session, DIVIDER, "the tile")
        ngspice._command(session, "op", "the tile")
        assert list(session.plot(None, session.last_plot)) == ["vb0#branch"]
    finally:
        ngspice._clear(session)


def test_many_alterations_all_arrive() -> None:
    """Commands are cut off after 1023 characters; these take four commands."""
    branches = range(2, 152)
    deck = with_line("\n".join(f"R{k} a b 1e3" for k in branches))
    values = {f"alter r{k}": 1e3 * k for k in branches}
    assert max(map(len, joined(f"{name} = {value!r}" for name, value in values.items()))) <= 1000
    assert len(list(joined(f"{name} = {value!r}" for name, value in values.items()))) == 4
    found = Held(deck, where="the tile").operating_points(values, {"v1": ONE}, 1)[0, 0]
    assert found == pytest.approx(1e-3 + sum(1e-3 / k for k in branches), rel=1e-9)
    with pytest.raises(SimulationError, match="cut the command off"):
        list(joined(["alter x = " + "1" * 1000]))


def test_an_element_that_is_not_there_cannot_be_altered() -> None:
    held = Held(DIVIDER, where="the tile")
    with pytest.raises(SimulationError, match=r"the tile: ngspice failed.*no such device or model name r7"):
        held.operating_points({"alter r7": 1.0}, {"v1": ONE}, 1)
    assert held.operating_points({"alter r1": 2e3}, {"v1": ONE}, 1) == pytest.approx(5e-4, rel=1e-12)


def test_another_deck_in_between_takes_nothing_away() -> None:
    first, second = Held(DIVIDER, where="first"), Held(DIVIDER.replace("1e3", "4e3"), where="second")
    moved = {"alter vb0": 0.5}
    for _ in range(2):
        assert first.operating_points(moved, {"v1": ONE}, 1) == pytest.approx(5e-4, rel=1e-12)
        assert second.operating_points({}, {"v1": ONE}, 1) == pytest.approx(2.5e-4, rel=1e-12)
        assert current(DIVIDER) == pytest.approx(1e-3, rel=1e-12)


CURVED = with_line("Vcase case 0 0\nB2 a b i=1e-4*v(a,b)*abs(v(a,b))\nR9 case 0 1")


def test_many_cases_are_one_sweep_and_give_what_each_gives_alone() -> None:
    volts = np.array([1.0, -2.0, 0.0, 3.0, 3.0])
    together = ngspice.operating_points(CURVED, {"v1": volts}, 1, where="the tile")[:, 0]
    alone = [ngspice.operating_points(CURVED, {"v1": volts[k : k + 1]}, 1, where="the tile")[0, 0] for k in range(5)]
    assert together == pytest.approx(alone, rel=1e-11, abs=1e-18)
    assert together == pytest.approx(1e-3 * volts + 1e-4 * volts * np.abs(volts), rel=1e-11, abs=1e-18)
    held = Held(CURVED, where="the tile")
    for count in (5, 1, 2, 1, 5):
        found = held.operating_points({}, {"v1": volts[:count]}, 1)[:, 0]
        assert found == pytest.approx(together[:count], rel=1e-11, abs=1e-18)


def test_a_sweep_that_fails_in_the_middle_takes_nothing_with_it() -> None:
    hopeless = with_line("Vcase case 0 0\nR2 a c 1e3\nB1 c 0 i=u(v(c)-0.5)")
    for volts in ([0.1, 5.0, 0.1], [5.0, 0.1]):
        with pytest.raises(SimulationError, match="the tile: ngspice failed"):
            ngspice.operating_points(hopeless, {"v1": np.array(volts)}, 1, where="the tile")
        assert current(DIVIDER) == pytest.approx(1e-3, rel=1e-12)
        again = ngspice.operating_points(CURVED, {"v1": np.array([1.0, 2.0])}, 1, where="the tile")[:, 0]
        assert again == pytest.approx([1.1e-3, 2.4e-3], rel=1e-11)


def test_a_deck_without_a_source_to_sweep_is_told() -> None:
    with pytest.raises(SimulationError, match=r"lacks a source that is swept.*named .vcase. is not in the circuit"):
        ngspice.operating_points(DIVIDER, {"v1": np.array([1.0, 2.0])}, 1, where="the tile")


def test_threads_take_turns_at_the_one_instance() -> None:
    found: dict[int, float] = {}

    def run(number: int) -> None:
        for _ in range(20):
            found[number] = float(current(DIVIDER.replace("1e3", f"{number}e3"))[0])

    threads = [threading.Thread(target=run, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == pytest.approx({number: 1e-3 / number for number in range(1, 5)}, rel=1e-12)


@pytest.mark.parametrize("how", ["held", "loaded"])
def test_hundreds_of_runs_leave_nothing_in_memory(how: str) -> None:
    """At most 0.01 MB a run, over 300; plots that are kept would leave 0.4 MB, circuits 4 MB."""
    ladder = "\n".join(f"R{k} {'a' if k == 2 else f'n{k - 1}'} n{k} 1e3\nRg{k} n{k} b 1e4" for k in range(2, 400))
    deck, held = with_line(ladder), Held(with_line(ladder), where="the tile")

    def once(value: float) -> None:
        if how == "held":
            held.operating_points({f"alter r{k}": value for k in range(2, 400)}, {"v1": ONE}, 1)
        else:
            ngspice.operating_points(deck, {"v1": ONE}, 1, where="the tile")

    def megabytes() -> float:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    for k in range(50):
        once(1e3 + k)
    before = megabytes()
    for k in range(300):
        once(2e3 + k)
    assert (megabytes() - before) / 300 <= 0.01


@pytest.mark.parametrize("built", [True, False])
def test_a_failure_names_the_tile_and_the_netlist_that_was_run(
    built: bool, small_design: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    design = Path(shutil.copytree(small_design, tmp_path / "design", ignore=shutil.ignore_patterns("results")))
    np.save(tmp_path / "v.npy", np.zeros((1, 11)))
    deck = design / "netlist" / "conv" / "tile_0.cir"
    clash = deck.read_text().replace(".save", "V9 wp0 0 9\n.save")
    if built:
        deck.write_text(clash)
    else:
        shutil.rmtree(design / "netlist")
        deck = design / "results" / "simulate_conv_0_ngspice.cir"
        monkeypatch.setattr(simulation.dialects, "write", lambda *a, **k: clash)
    where = re.escape(f"layer conv, tile 0, {deck}: ngspice failed: the matrix is singular")
    with pytest.raises(SimulationError, match=f"{where}.*check node"):
        simulation.simulate_tile(design, engine="ngspice", layer="conv", tile=0, inputs=tmp_path / "v.npy")
    assert deck.read_text() == clash
