"""A design programmed anew for a die that was measured: exact, honest of what is broken, and safe."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import rsscircuit
from rsscircuit.design.marks import load_marks
from rsscircuit.errors import DesignError, InputError
from rsscircuit.options import BuildOptions
from rsscircuit.report.dies import die_lines
from rsscircuit.sources import OPEN_SIEMENS
from rsscircuit.steps import artefacts

Row = dict[str, str]


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def changed(one: Path, other: Path) -> set[str]:
    """Names of files that are not the same in two designs; results, and the steps with their times, apart."""
    first, second = (
        {k: v for k, v in files(f).items() if not k.startswith(("results/", "steps/"))} for f in (one, other)
    )
    return {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)}


def edited(table: Path, out: Path, edit: Callable[[int, Row], Row | None]) -> Path:
    """A table with every line as ``edit`` leaves it; None leaves the line out."""
    with table.open(newline="") as file:
        rows = [edit(number, row) for number, row in enumerate(csv.DictReader(file))]
    kept = [row for row in rows if row is not None]
    with out.open("w", newline="") as file:
        writer = csv.DictWriter(file, kept[0])
        writer.writeheader()
        writer.writerows(kept)
    return out


@pytest.fixture(scope="module")
def table(small_design: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "die.csv"
    rsscircuit.export_banks(small_design, path)
    return path


def test_the_table_holds_every_measured_branch(small_design: Path, table: Path) -> None:
    design, seen = rsscircuit.load(small_design), 0
    with table.open(newline="") as file:
        for row in csv.DictReader(file):
            layer = design.layer(row["layer"])
            line, column = int(row["row"]), int(row["column"])
            tile = next(t for t in layer.tiles if 0 <= line - t.row < t.rows and 0 <= column - t.column < t.columns)
            if seen % 97 == 0:  # reading a tile for each of them would take long
                steps = design.crossbar(layer, tile).measured.step_siemens
                place = (line - tile.row, column - tile.column, "+-".index(row["polarity"]), int(row["branch"]))
                assert float(row["siemens"]) == steps[place]
                assert layer.matrix.weights[line, column] != 0
            seen += 1
    assert seen == design.summary["resistors"]


def test_its_own_table_changes_nothing(small_design: Path, table: Path, tmp_path: Path) -> None:
    rsscircuit.program(small_design, table, tmp_path / "again")
    assert changed(small_design, tmp_path / "again") == {"design.json"}
    assert rsscircuit.export_banks(tmp_path / "again", tmp_path / "again.csv")["branches"] > 0
    assert (tmp_path / "again.csv").read_bytes() == table.read_bytes()
    record = rsscircuit.inspect(tmp_path / "again")
    assert record["changed"] == []
    assert record["die"]["own_table"]
    assert record["die"]["kind"] == "virtual"
    before = rsscircuit.inspect(small_design)
    assert [layer["statistics"] for layer in record["layers"]] == [layer["statistics"] for layer in before["layers"]]


def test_a_tolerance_from_a_converter_stays_to_the_bit(small_network: Path, small_inputs: Path, tmp_path: Path) -> None:
    options = BuildOptions(tolerance="adc", adc_bits=7, calibration=str(small_inputs), most_total=1.4)
    old = rsscircuit.build(small_network, tmp_path / "old", options)
    rsscircuit.export_banks(tmp_path / "old", tmp_path / "die.csv")
    new = rsscircuit.program(tmp_path / "old", tmp_path / "die.csv", tmp_path / "new")
    assert changed(tmp_path / "old", tmp_path / "new") == {"design.json"}
    assert [layer.rules for layer in new.layers] == [layer.rules for layer in old.layers]
    wider = edited(
        tmp_path / "die.csv", tmp_path / "w.csv", lambda _, r: r | {"siemens": repr(1.5 * float(r["siemens"]))}
    )
    wide = rsscircuit.program(tmp_path / "old", wider, tmp_path / "wide")
    for one, other in zip(old.layers, wide.layers, strict=True):
        assert other.full_scale_siemens == pytest.approx(1.5 * one.full_scale_siemens, rel=1e-12)
        assert other.rules.tolerance_siemens == pytest.approx(1.5 * one.rules.tolerance_siemens, rel=1e-12)


def test_another_die_is_programmed_as_if_it_had_been_built(
    small_design: Path, small_network: Path, small_inputs: Path, tmp_path: Path
) -> None:
    options = BuildOptions(tile=(32, 4), calibration=str(small_inputs), seed=2)
    rsscircuit.build(small_network, tmp_path / "second", options)
    rsscircuit.export_banks(tmp_path / "second", tmp_path / "die.csv")
    design = rsscircuit.program(small_design, tmp_path / "die.csv", tmp_path / "new")
    different = changed(tmp_path / "second", tmp_path / "new")
    assert different - {"design.json"} == {
        name for name in files(tmp_path / "new") if name.endswith((".true.npy", ".cir"))
    }  # what was measured stands for the true die
    record = rsscircuit.inspect(tmp_path / "new")
    assert record["die"]["kind"] == "measured"
    assert record["die"]["true_values"].startswith("not known")
    assert record["die"]["sha256"] == hashlib.sha256((tmp_path / "die.csv").read_bytes()).hexdigest()
    assert str(tmp_path) not in (tmp_path / "new" / "design.json").read_text()
    assert record["options"] == rsscircuit.inspect(small_design)["options"]
    for layer, _, crossbar in design.crossbars():
        assert (crossbar.die.on_siemens == crossbar.measured.step_siemens).all()
        assert layer.statistics["worst_weight_error"] <= 1.0001 * 2.0**-11
    rsscircuit.export_banks(tmp_path / "new", tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "die.csv").read_bytes()


def broken(number: int, row: Row) -> Row | None:
    """Every tenth branch with something of its own wrong, in ohm."""
    ohm, sigma = 1 / float(row["siemens"]), 1e-3 / float(row["siemens"])
    row = {name: value for name, value in row.items() if name != "siemens"}
    row |= {"ohm": repr(ohm), "sigma_ohm": repr(sigma), "state": "works"}
    kind = number % 50
    if kind == 3:
        return None
    if kind in (13, 23):
        return row | {"state": "open" if kind == 13 else "closed"}
    return row | {"ohm": "" if number % 100 == 33 else "open resistor", "sigma_ohm": ""} if kind == 33 else row


def test_a_broken_die_is_programmed_around_what_is_broken(small_design: Path, table: Path, tmp_path: Path) -> None:
    lab = edited(table, tmp_path / "lab.csv", broken)
    old, design = rsscircuit.load(small_design), rsscircuit.program(small_design, lab, tmp_path / "new")
    number = 0
    expected = dict.fromkeys((3, 13, 23, 33), 0)
    for layer, tile, crossbar in design.crossbars():
        drawn = layer.matrix.weights[tile.window] != 0
        before = old.crossbar(old.layer(layer.name), tile).measured.step_siemens[drawn].ravel()
        kinds = np.arange(number, number + before.size) % 50
        number += before.size
        closed = crossbar.closed[drawn].ravel()
        measured, true = (each[drawn].ravel() for each in (crossbar.measured.step_siemens, crossbar.die.on_siemens))
        assert not closed[np.isin(kinds, (3, 13, 33))].any()
        assert closed[kinds == 23].all()
        gone = np.isin(kinds, (3, 33))
        assert not measured[gone].any()
        assert (true[gone] == OPEN_SIEMENS).all()
        assert measured[~gone] == pytest.approx(before[~gone], rel=1e-15)
        sigma = load_marks(tmp_path / "new", layer.label, tile.index, crossbar.closed.shape).sigma_siemens
        assert sigma is not None
        assert sigma[drawn].ravel()[~gone] == pytest.approx(1e-3 * before[~gone], rel=1e-12)
        for kind in expected:
            expected[kind] += int((kinds == kind).sum())
        pair = crossbar.pair_siemens() - crossbar.targets
        assert (np.abs(pair) <= layer.rules.tolerance_siemens).mean() > 0.8
    lacks = rsscircuit.inspect(tmp_path / "new")["die"]["layers"].values()
    counted = [sum(each[key] for each in lacks) for key in ("missing", "stuck_open", "stuck_closed", "open_resistors")]
    assert counted == list(expected.values())
    rsscircuit.export_banks(tmp_path / "new", tmp_path / "again.csv")
    rsscircuit.program(tmp_path / "new", tmp_path / "again.csv", tmp_path / "newer")
    assert changed(tmp_path / "new", tmp_path / "newer") == {"design.json"}
    rsscircuit.export_banks(tmp_path / "newer", tmp_path / "once_more.csv")
    assert (tmp_path / "once_more.csv").read_bytes() == (tmp_path / "again.csv").read_bytes()


def test_the_measurement_floor_is_what_the_sigmas_set(small_design: Path, table: Path, tmp_path: Path) -> None:
    lab = edited(table, tmp_path / "lab.csv", broken)
    design = rsscircuit.program(small_design, lab, tmp_path / "new")
    rng = np.random.default_rng(1)
    for layer in design.layers:
        errors = []
        for tile in layer.drawn_tiles:
            crossbar = design.crossbar(layer, tile)
            sigma = load_marks(tmp_path / "new", layer.label, tile.index, crossbar.closed.shape).sigma_siemens
            noise = np.where(crossbar.closed, sigma * rng.standard_normal((200, *crossbar.closed.shape)), 0.0).sum(
                axis=4
            )
            errors.append((noise[..., 0] - noise[..., 1])[:, layer.matrix.weights[tile.window] != 0])
        every = np.concatenate(errors, axis=1)
        assert layer.statistics["measurement_floor_from"] == "standard errors"
        floor = layer.statistics["measurement_floor"] * layer.full_scale_siemens
        # the mean square of a layer's errors, some 24 cells or more, 200 times: within 4 standard errors of 2 %
        assert np.sqrt((every**2).mean()) == pytest.approx(floor, rel=0.08)


def test_a_floor_is_told_only_where_something_is_known_of_it(small_design: Path, table: Path, tmp_path: Path) -> None:
    floors = [layer.statistics["measurement_floor"] for layer in rsscircuit.load(small_design).layers]
    own = rsscircuit.program(small_design, table, tmp_path / "own")
    assert [layer.statistics["measurement_floor"] for layer in own.layers] == floors
    other = edited(table, tmp_path / "b.csv", lambda _, row: row | {"siemens": repr(1.01 * float(row["siemens"]))})
    design = rsscircuit.program(small_design, other, tmp_path / "other")
    assert not any("measurement_floor" in layer.statistics for layer in design.layers)


@pytest.mark.parametrize("engine", ["ngspice", "nodal"])
def test_simulators_take_a_broken_die(engine: str, small_design: Path, table: Path, tmp_path: Path) -> None:
    lab = edited(table, tmp_path / "lab.csv", broken)
    design = rsscircuit.program(small_design, lab, tmp_path / "new")
    np.save(tmp_path / "v.npy", np.full((2, design.layer("conv").tiles[0].rows), 0.1))
    result = rsscircuit.simulate_tile(tmp_path / "new", engine=engine, layer="conv", tile=0, inputs=tmp_path / "v.npy")
    bend = 0.1 * abs(design.technology.resistor.voltage_per_volt)  # the closed form has none
    assert result["relative_difference"] < (1.01 * bend if engine == "ngspice" else 0.02)
    trials = rsscircuit.montecarlo(tmp_path / "new", layer="conv", tile=0, trials=2, fixed=True)
    assert trials["worst"] < 0.2


def test_a_short_that_the_build_knows_to_stay_open_may_be_measured(small_network: Path, tmp_path: Path) -> None:
    stuck = tmp_path / "stuck.csv"
    stuck.write_text("layer,row,column,polarity,branch,state\nout,0,0,+,1,open\n")
    rsscircuit.build(small_network, tmp_path / "old", BuildOptions(netlists="none", stuck=str(stuck)))
    rsscircuit.export_banks(tmp_path / "old", tmp_path / "die.csv")

    def measured(_: int, row: Row) -> Row:
        place = {"layer": "out", "row": "0", "column": "0", "polarity": "+", "branch": "1"}
        short = place.items() <= row.items()
        row = {key: row[key] for key in (*place, "siemens")}
        siemens = float(row.pop("siemens"))
        return row | {"ohm": "0" if short else repr(1 / siemens)}

    lab = edited(tmp_path / "die.csv", tmp_path / "lab.csv", measured)
    design = rsscircuit.program(tmp_path / "old", lab, tmp_path / "new")
    layer = design.layer("out")
    assert not design.crossbar(layer, layer.tiles[0]).closed[0, 0, 0, 1]
    rsscircuit.build(small_network, tmp_path / "sound", BuildOptions(netlists="none"))
    with pytest.raises(
        InputError, match="column ohm: 0 Ohm is no resistance; leave an open resistor empty, or say open"
    ):
        rsscircuit.program(tmp_path / "sound", lab, tmp_path / "other")


def test_stuck_switches_of_the_build_stay_unless_the_table_says_that_they_work(
    small_network: Path, tmp_path: Path
) -> None:
    stuck = tmp_path / "stuck.csv"
    stuck.write_text("layer,row,column,polarity,branch,state\nout,2,1,+,0,closed\nout,0,0,+,1,open\n")
    rsscircuit.build(small_network, tmp_path / "old", BuildOptions(netlists="none", stuck=str(stuck)))
    rsscircuit.export_banks(tmp_path / "old", tmp_path / "die.csv")
    text = (tmp_path / "die.csv").read_text()
    assert text.count(",closed\n") == text.count(",open\n") == 1

    def programmed(edit: Callable[[int, Row], Row | None]) -> np.ndarray:
        lab = edited(tmp_path / "die.csv", tmp_path / "lab.csv", edit)
        design = rsscircuit.program(tmp_path / "old", lab, tmp_path / "new", force=True)
        assert not (tmp_path / "new" / "netlist").exists()
        return design.crossbar(design.layer("out"), design.layer("out").tiles[0]).closed

    silent = programmed(lambda _, row: {name: value for name, value in row.items() if name != "state"})
    assert silent[2, 1, 0, 0]
    assert not silent[0, 0, 0, 1]
    assert changed(tmp_path / "old", tmp_path / "new") == {"design.json"}
    programmed(lambda _, row: row | {"state": "works"})
    lacks = rsscircuit.inspect(tmp_path / "new")["die"]["layers"]["out"]
    assert lacks["stuck_open"] == lacks["stuck_closed"] == 0
    assert not list((tmp_path / "new").rglob("*.state.npy"))
    with pytest.raises(InputError, match=r"stuck closed, and the table does not say.*row 2, column 1, ., branch 0"):
        programmed(lambda _, row: None if row["state"] == "closed" else row)


def test_a_pair_without_a_branch_is_out_of_reach_and_a_column_without_banks_is_refused(
    small_design: Path, table: Path, tmp_path: Path
) -> None:
    def without(number: int, row: Row) -> Row | None:
        return None if (row["layer"], row["row"], row["column"]) == ("out", "1", "2") else row

    design = rsscircuit.program(small_design, edited(table, tmp_path / "lab.csv", without), tmp_path / "new")
    figures = design.layer("out").statistics
    assert figures["beyond_reach"] == 1
    assert "row 1, column 2" in figures["beyond_reach_named"][0]
    assert "exceeds the bank's total 0 S" in figures["beyond_reach_named"][0]

    def column(number: int, row: Row) -> Row | None:
        return None if (row["layer"], row["column"]) == ("out", "2") else row

    def layer(number: int, row: Row) -> Row | None:
        return None if row["layer"] == "out" else row

    with pytest.raises(InputError, match=r"--measured lab\.csv: no line is of layer out; add its branches"):
        rsscircuit.program(small_design, edited(table, tmp_path / "lab.csv", layer), tmp_path / "none")
    with pytest.raises(InputError, match=r"layer out: most banks of a column.*got 'columns 2 of 4'"):
        rsscircuit.program(small_design, edited(table, tmp_path / "lab.csv", column), tmp_path / "none")
    assert {p.name for p in tmp_path.iterdir()} == {"lab.csv", "new"}


@pytest.mark.parametrize("ohm", [1e3, 2550.0, 1e-3])
def test_a_shorted_resistor_that_stays_open_costs_only_its_branch(
    ohm: float, small_design: Path, table: Path, tmp_path: Path
) -> None:
    def shorted(number: int, row: Row) -> Row | None:
        return row | {"siemens": repr(1.0 / ohm), "state": "open"} if number == 5 else row | {"state": "works"}

    design = rsscircuit.program(small_design, edited(table, tmp_path / "lab.csv", shorted), tmp_path / "new")
    layer = design.layers[0]
    crossbar = design.crossbar(layer, layer.drawn_tiles[0])
    place = np.argwhere(crossbar.measured.step_siemens == 1.0 / ohm).tolist()
    assert len(place) == 1
    assert not crossbar.closed[tuple(place[0])]
    assert crossbar.die.on_siemens[tuple(place[0])] == OPEN_SIEMENS
    assert list((tmp_path / "new" / "netlist" / layer.label).iterdir())
    assert all(not each.statistics["beyond_tolerance"] for each in design.layers)
    rsscircuit.export_banks(tmp_path / "new", tmp_path / "again.csv")
    rsscircuit.program(tmp_path / "new", tmp_path / "again.csv", tmp_path / "newer")
    assert changed(tmp_path / "new", tmp_path / "newer") == {"design.json"}
    with pytest.raises(InputError, match=r"lab\.csv: line 7, column siemens: conv, row .*more than its switch of 2550"):
        rsscircuit.program(
            small_design,
            edited(tmp_path / "again.csv", tmp_path / "lab.csv", lambda _, row: row | {"state": "works"}),
            tmp_path / "none",
        )


@pytest.mark.parametrize(
    ("factor", "every", "says"),
    [
        (1.0, 1, []),
        (5.0, 1, ["WARNING: the median branch is more than 4 sigma from what was drawn"]),
        (0.4, 40, ["WARNING: {far} branches are off by more than 6 sigma of mismatch", "the first in line 2"]),
    ],
)
def test_a_die_that_the_process_does_not_make_is_told_of(
    factor: float,
    every: int,
    says: list[str],
    small_design: Path,
    table: Path,
    tmp_path: Path,
) -> None:
    def scaled(number: int, row: Row) -> Row | None:
        return row | {"siemens": repr(float(row["siemens"]) * (1.0 if number % every else factor))}

    lab = edited(table, tmp_path / "lab.csv", scaled)
    rsscircuit.program(small_design, lab, tmp_path / "new")
    record = rsscircuit.inspect(tmp_path / "new")
    branches = [float(row["siemens"]) for row in csv.DictReader(lab.read_text().splitlines())]
    found, far = record["die"]["plausibility"], len(branches[::every]) if every > 1 else 0
    assert found["shared_sigma"] == pytest.approx((0.03**2 + 0.02**2 + 0.0346**2) ** 0.5, rel=1e-12)
    assert found["far_branches"] == far
    assert found["first_far_line"] == (2 if far else None)
    spec, on_ohm = rsscircuit.load(small_design).bank, rsscircuit.load(small_design).technology.switch.on_ohm
    ratios = np.reshape(branches, (-1, spec.resistors)) * (spec.nominal_ohm + on_ohm)
    assert found["median_to_drawn"] == pytest.approx(np.median(ratios), rel=1e-9)
    lines = "\n".join(die_lines(record))
    assert f"median {found['median_to_drawn']:.3g} x drawn; lot, wafer and die spread 5 % (1 sigma)" in lines
    assert lines.count("WARNING") == bool(says)
    for words in says:
        assert words.format(far=far) in lines


def test_nothing_of_the_old_program_is_lost(
    small_design: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "design"
    rsscircuit.program(small_design, table, folder)
    before = files(folder)
    lab = edited(table, tmp_path / "lab.csv", broken)
    with pytest.raises(DesignError, match="would replace the design; name a new directory with --out"):
        rsscircuit.program(folder, lab)
    with pytest.raises(DesignError, match="pass --force"):
        rsscircuit.program(small_design, lab, folder)
    with pytest.raises(DesignError, match="inside the design"):
        rsscircuit.program(folder, lab, folder / "new", force=True)
    bad = tmp_path / "bad.csv"
    bad.write_text(lab.read_text() + "out,0,0,+,0,1e6,0,works\n")
    with pytest.raises(InputError, match="the same branch as in line"):
        rsscircuit.program(folder, bad, force=True)

    def interrupted(_: object) -> dict[str, str]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(artefacts, "hdl_files", interrupted)
        with pytest.raises(KeyboardInterrupt):
            rsscircuit.program(folder, lab, force=True)
    assert files(folder) == before
    assert {p.name for p in tmp_path.iterdir()} == {"bad.csv", "design", "lab.csv"}
    rsscircuit.program(folder, lab, force=True)
    rsscircuit.program(small_design, lab, tmp_path / "apart")
    assert changed(folder, tmp_path / "apart") == set()
    assert rsscircuit.inspect(folder)["die"]["file"] == "lab.csv"


def test_the_commands_say_what_they_did(small_design: Path, tmp_path: Path) -> None:
    def command(*words: object) -> str:
        line = [sys.executable, "-m", "rsscircuit.cli", *map(str, words)]
        done = subprocess.run(line, capture_output=True, text=True, timeout=120, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    assert "Example: generate-crossbar export-banks" in command("export-banks", "--help")
    assert "Example: generate-crossbar program" in command("program", "--help")
    written = json.loads(command("export-banks", small_design, "--csv", "die.csv", "--json"))
    assert written["sha256"] == hashlib.sha256((tmp_path / "die.csv").read_bytes()).hexdigest()
    assert f"{written['branches']} branches of 3 layers" in command(
        "export-banks", small_design, "--csv", "die.csv", "--force"
    )
    edited(tmp_path / "die.csv", tmp_path / "lab.csv", broken)
    edited(
        tmp_path / "die.csv",
        tmp_path / "less.csv",
        lambda _, row: None if (row["layer"], row["row"], row["column"]) == ("out", "1", "2") else row,
    )
    shown = command("program", small_design, "--measured", "lab.csv", "--out", "new")
    for words in ("measured die's weights", "from lab.csv, sha256", "true die     not known", "new/bitstream"):
        assert words in shown
    assert "true die     not known" in command("inspect", "new")
    assert "true die     the design's virtual one" in command(
        "program", small_design, "--measured", "die.csv", "--out", "own"
    )
    assert json.loads(command("program", "new", "--measured", "lab.csv", "--force", "--json"))["die"]["unit"] == "ohm"
    (tmp_path / "own" / "results").mkdir()
    assert "dropped" not in command("program", "own", "--measured", "lab.csv", "--force")
    (tmp_path / "own" / "results").mkdir()
    (tmp_path / "own" / "results" / "evaluate.json").write_text("{}")
    assert "dropped      1 file of own/results" in command("program", "own", "--measured", "lab.csv", "--force")
    shown = command("program", "own", "--measured", "less.csv", "--force")
    assert "out of reach in out: 1 cell\n  row 1, column 2, tile 0" in shown
