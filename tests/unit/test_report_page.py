"""The report of a design: what it says is what the files hold, and a real browser shows it as it should."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from browser import Browser
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader
from wire_oracles import by_dense_system

import rsscircuit
from rsscircuit import analyses, cli
from rsscircuit.design.record import fingerprint, read_record
from rsscircuit.errors import InputError
from rsscircuit.inference import Operation
from rsscircuit.options import BuildOptions
from rsscircuit.population import network_yield
from rsscircuit.report.page import Facts, drawing, read_exploration, write_report
from rsscircuit.report.page.architecture import stops
from rsscircuit.report.page.section import MOST_SHOWN, SHOWN_OF_MORE, parted
from rsscircuit.report.page.weights import binned
from rsscircuit.report.page.wires import drop_of
from rsscircuit.report.page.words import count, quantity, share, square
from rsscircuit.simulate.nodal import WiredArray
from rsscircuit.simulation import Choices, simulate_tile

#: Words of a picture that lie on each other by more than a pixel either way.
COLLISIONS = """[...document.querySelectorAll('svg')].flatMap(picture => {
    const words = [...picture.querySelectorAll('text')].map(word => [word.textContent, word.getBoundingClientRect()]);
    return words.flatMap(([one, a], place) => words.slice(place + 1)
        .filter(([_, b]) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
            && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1 && a.height > 1)
        .map(([other]) => `${picture.getAttribute('aria-label').slice(0, 40)}: ${one} | ${other}`));
})"""
SCHEMES = {"light": drawing.LIGHT, "dark": drawing.DARK}
SIZES = [(390, 844), (1280, 900)]
EXPLORED = {
    "images": 40,
    "fronts": {"output-error": {"area": [1, 3], "energy": [1, 2, 3]}},
    "points": [
        {
            "number": number,
            "state": "failed" if error is None else "done",
            "configuration": {"resistors": resistors, "tile": "64x64"},
            "figures": {}
            if error is None
            else {"agreement": 0.9, "output_error": error, "area_um2": area, "energy_joule": joule},
        }
        for number, resistors, error, area, joule in (
            (1, 8, 0.03, 2e6, 2e-6), (2, 10, 0.02, 5e6, 3e-6), (3, 14, 0.01, 4e6, 5e-6), (4, 99, None, 0, 0),
        )
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def full(
    small_design: Path, small_inputs: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, bytes]]:
    """A design with results of every kind and its report, and the files of a report written again."""
    folder = tmp_path_factory.mktemp("reported")
    design = Path(shutil.copytree(small_design, folder / "design", ignore=shutil.ignore_patterns("results")))
    labels = folder / "y.npy"
    np.save(labels, np.random.default_rng(3).integers(0, 4, 40))
    network_yield(design, small_inputs, labels, dies=3, seed=1, limits=rsscircuit.population.Limits(agreement=0.5))
    analyses.montecarlo(design, layer="conv", tile=0, trials=6, engine="ideal")
    checks = [{"name": "load", "passed": True, "figure": 0.0, "limit": 0.0, "unit": "faults"}]
    tile = {"layer": "conv", "tile": 0, "passed": True, "checks": checks}
    (design / "results" / "signoff").mkdir()
    record = read_record(design)
    kept = {"mark": "", "tile": tile, "design": fingerprint(record)}
    (design / "results" / "signoff" / "conv_0.json").write_text(json.dumps(kept))
    asked = {"model": record["model"]["sha256"]}
    (folder / "exploration.json").write_text(json.dumps(EXPLORED | {"asked": asked}))
    run("report", design, "--inputs", small_inputs, "--labels", labels, "--exploration", folder)
    written = files(design / "report")
    write_report(Facts.of(str(design), small_inputs, labels, exploration=read_exploration(folder)), design / "report")
    return design, written


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    started = Browser(tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


def run(*words: object) -> None:
    """The command, in this process."""
    cli.cli.main([str(word) for word in words], standalone_mode=False)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def data(design: Path, name: str) -> list[list[str]]:
    """The rows of a figure's data below their heads."""
    return list(csv.reader(io.StringIO((design / "report" / "figures" / f"{name}.csv").read_text("utf-8"))))[1:]


def page(design: Path) -> str:
    return (design / "report" / "index.html").read_text("utf-8")


def test_the_same_design_gives_the_same_bytes(full: tuple[Path, dict[str, bytes]]) -> None:
    design, written = full
    assert files(design / "report") == written
    assert sum(map(len, written.values())) < 5e6
    assert not re.search(r"\b20[0-9]{2}-[0-9]{2}-[0-9]{2}\b", page(design))


def test_the_page_is_whole_by_itself(full: tuple[Path, dict[str, bytes]]) -> None:
    """Nothing is fetched; every link leads to a file or a place in the page; every figure has its files."""
    design, written = full
    text = page(design)
    assert "<script" not in text
    assert not re.search(r'(?:src|href)="https?:', text)
    anchors = re.findall(r'\bid="([^"]+)"', text)
    assert len(set(anchors)) == len(anchors)
    for target in set(re.findall(r'href="([^"]+)"', text)):
        if target.startswith("#"):
            assert target[1:] in anchors
        elif not target.startswith("data:"):
            assert target in written
    for name, content in written.items():
        if name.endswith(".svg"):
            assert ElementTree.fromstring(content).tag.endswith("svg")  # noqa: S314 - ours
            assert name.replace(".svg", ".csv") in written
    assert not [colour for colour in (drawing.INK, *drawing.SERIES) if colour in text]


def test_figures_are_of_the_banks(full: tuple[Path, dict[str, bytes]]) -> None:
    """The map of a layer and the worst error, from the arrays by hand."""
    design, _ = full
    loaded = rsscircuit.load(design)
    worst = 0.0
    for layer in loaded.layers:
        error = np.zeros(layer.matrix.weights.shape)
        for tile in layer.drawn_tiles:
            true = np.load(design / "banks" / layer.label / f"tile_{tile.index}.true.npy")
            packed = np.load(design / "banks" / layer.label / f"tile_{tile.index}.closed.npy")
            closed = np.unpackbits(packed, axis=3, count=true.shape[3], bitorder="little")
            plus, minus = np.moveaxis((true * closed).sum(axis=3), 2, 0)
            error[tile.window] = (plus - minus - layer.targets(tile)) / layer.full_scale_siemens
        shown = np.array([[float(cell or "nan") for cell in row] for row in data(design, f"weight-map-{layer.label}")])
        drawn = layer.matrix.weights != 0
        assert np.array_equal(np.isnan(shown), ~drawn)
        np.testing.assert_allclose(shown[drawn], error[drawn], rtol=1e-3, atol=1e-9)
        worst = max(worst, float(np.abs(error[drawn]).max()))
    cells = count(loaded.summary["cells"])
    assert f"The worst of {cells} programmed pairs is off by {share(worst)} of full scale" in page(design)


def test_the_drop_is_by_kirchhoff(small_network: Path, tmp_path: Path) -> None:
    """Against a dense system of all nodes."""
    rsscircuit.build(small_network, tmp_path / "design", BuildOptions(tile=(8, 4), resistors=6, netlists="none"))
    facts = Facts.of(str(tmp_path / "design"))
    for layer in facts.design.layers:
        found = drop_of(facts, layer)
        assert found is not None
        crossbar, segments = facts.design.crossbar(layer, found.tile), facts.design.segments
        banks = crossbar.bank_siemens() + crossbar.leak_siemens()
        lines = banks.transpose(0, 2, 1).reshape(-1, banks.shape[1])
        wired = WiredArray(siemens=lines, word_ohm=segments.word_ohm, bit_ohm=segments.bit_ohm)
        drives = np.tile([1.0, -1.0], banks.shape[0])
        currents, word, bit = by_dense_system(wired, drives)
        missing = 1.0 - (word - bit) * drives[:, None]
        np.testing.assert_allclose(found.drop, np.maximum(missing[::2], missing[1::2]), rtol=1e-6, atol=1e-12)
        ideal = (banks[:, :, 0] - banks[:, :, 1]).sum(axis=0)
        off_by = (found.off_by * layer.full_scale_siemens).sum(axis=0)
        np.testing.assert_allclose(off_by + ideal, currents, rtol=1e-6, atol=1e-15)
        assert found.drop.max() > 0


def test_shares_sum_to_one_and_every_result_is_in(full: tuple[Path, dict[str, bytes]]) -> None:
    design, written = full
    assert sum(float(row[4]) for row in data(design, "attribution")) == pytest.approx(1.0)
    result = json.loads((design / "results" / "yield_dies.json").read_text())
    assert [float(row[3]) for row in data(design, "yield-dies")] == result["figures"]["output_error"]["values"]
    cost = json.loads((design / "results" / "cost.json").read_text())
    assert sum(float(row[1]) for row in data(design, "cost-area")) == pytest.approx(cost["area"]["total"])
    evaluation = json.loads((design / "results" / "evaluate.json").read_text())
    assert f"an output error of {share(evaluation['output_error']['chip'])}" in page(design)
    for name in ("architecture", "weight-errors", "error-against-n", "ir-drop-hidden", "pareto"):
        assert f"figures/{name}.svg" in written
    assert len([name for name in written if "montecarlo" in name]) == 2


def test_what_was_not_run_is_said_with_a_command_that_runs(small_design: Path, tmp_path: Path) -> None:
    design = Path(shutil.copytree(small_design, tmp_path / "design", ignore=shutil.ignore_patterns("results")))
    written = write_report(Facts.of(str(design)), tmp_path / "out")
    names = [shlex.split(command)[1] for command in written.missing]
    assert names == ["evaluate", "evaluate", "yield", "montecarlo", "explore", "signoff", "evaluate"]
    for command in written.missing:
        name, *words = shlex.split(command.split(" && ")[-1])[1:]
        group = cli.cli.make_context("generate-crossbar", [name, *words])
        cli.cli.commands[name].make_context(name, words, parent=group)
    text = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert text.count("Not run: ") == len(names) + 1  # evaluate is missed twice


def test_results_of_another_design_are_left_out_by_name_with_their_commands(
    full: tuple[Path, dict[str, bytes]], small_network: Path, small_inputs: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Every kind of result beside another die of the same network; a build drops them, so they come back by hand."""
    design = Path(shutil.copytree(full[0], tmp_path / "design", ignore=shutil.ignore_patterns("report")))
    first = {"layer": "conv", "tile": 0}
    analyses.montecarlo_trial(design, trial=2, **first)
    layer = rsscircuit.load(design).layer("conv")
    np.save(tmp_path / "volts.npy", np.full((1, layer.tiles[0].rows), 0.1))
    simulate_tile(design, engine="nodal", inputs=tmp_path / "volts.npy", choices=Choices(celsius=85.0), **first)
    for name, more in (
        ("evaluate_ngspice", {"images": [3, 1]}),
        ("signoff", {}),
        ("signoff_transient_conv_0", {"tiles": [first]}),
        ("signoff_closed_loop_conv_0", {"tiles": [first]}),
        ("yield_fixed", {"asked": 7, "seed": 3, "trials": 0}),
    ):
        (design / "results" / f"{name}.json").write_text(json.dumps(more))
    shutil.copytree(design / "results", tmp_path / "kept")
    options = BuildOptions(tile=(32, 4), calibration=str(small_inputs), seed=2)
    rsscircuit.build(small_network, design, options, force=True)
    assert not (design / "results").exists()
    shutil.copytree(tmp_path / "kept", design / "results")
    run("report", design)
    said = capsys.readouterr().out
    names = {
        path.relative_to(tmp_path / "kept").as_posix()
        for pattern in ("*.json", "signoff/*.json")
        for path in (tmp_path / "kept").glob(pattern)
    } - {"cost.json"}  # which a report computes again
    assert len(names) == 12
    assert {line.split()[2].rstrip(",") for line in said.splitlines() if line.startswith("left out: ")} == {
        f"results/{name}" for name in names
    }
    facts = Facts.of(str(design), small_inputs)  # two more are computed again
    again = {each.what.split(",")[0]: shlex.split(each.command) for each in facts.stale}
    assert again.keys() == {f"results/{name}" for name in names - {"evaluate.json", "attribution.json"}}
    for name, *words in (command[1:] for command in again.values()):
        group = cli.cli.make_context("generate-crossbar", [name, *words])
        cli.cli.commands[name].make_context(name, words, parent=group)
    assert again["results/evaluate_ngspice.json"][-4:] == ["--engine", "ngspice", "--images", "3,1"]
    assert again["results/yield_fixed.json"][-5:] == ["--dies", "7", "--fixed-program", "--seed", "3"]
    assert "--celsius" in again["results/simulate_conv_0_nodal_85C.json"]
    assert facts.result("evaluate") is not None
    assert facts.result("yield_dies") is None
    assert facts.signed_off == []
    with pytest.raises(InputError, match="of another network"):
        Facts.of(str(design), exploration=EXPLORED | {"asked": {"model": "another"}})


def test_an_evaluation_of_some_effects_is_not_taken_for_the_chip(
    small_design: Path, small_inputs: Path, tmp_path: Path
) -> None:
    design = Path(shutil.copytree(small_design, tmp_path / "design", ignore=shutil.ignore_patterns("results")))
    warning = "these alone were at work when it was evaluated: wires, adc."
    for effects, warned in (("wires,adc", True), (None, False)):
        analyses.evaluate(design, small_inputs, effects=effects)
        text = write_report(Facts.of(str(design)), tmp_path / "out").page.read_text("utf-8")
        assert (warning in text) is warned
        assert ("chip, converters and all" in text) is not warned
        assert "away from its nominal point" not in text
    analyses.evaluate(design, small_inputs, operation=Operation(celsius=85.0, stuck_open=0.01))
    text = write_report(Facts.of(str(design)), tmp_path / "out").page.read_text("utf-8")
    assert "away from its nominal point: 85 C, 1\u00a0% of the switches stuck open." in text


def test_the_converters_of_a_report_are_laid_out_for_what_is_given(
    small_design: Path, small_inputs: Path, tmp_path: Path
) -> None:
    design = Path(shutil.copytree(small_design, tmp_path / "design", ignore=shutil.ignore_patterns("results")))
    np.save(tmp_path / "calibration.npy", np.load(small_inputs)[:7])
    Facts.of(design, small_inputs, calibration=tmp_path / "calibration.npy")
    for name in ("evaluate", "attribution"):
        found = json.loads((design / "results" / f"{name}.json").read_text())
        assert found["readout"]["laid_out_for"] == "7 inputs, calibration"


def test_nothing_else_is_overwritten(full: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
    design, _ = full
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"the output holds something else.*--out"):
        write_report(Facts.of(str(design)), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_design_with_a_report_can_be_built_again(small_network: Path, tmp_path: Path) -> None:
    """The nearest subset, an ideal technology without wires, and no inputs."""
    options = BuildOptions(technology="thesis_iid20", tolerance=0.0, resistors=8, netlists="none")
    for _ in range(2):
        rsscircuit.build(small_network, tmp_path / "design", options, force=True)
        written = write_report(Facts.of(str(tmp_path / "design")), tmp_path / "design" / "report")
    text = written.page.read_text("utf-8")
    assert "Lines have no resistance" in text
    assert "is hypothetical" in text
    assert "set to its nearest subset" in text


def _luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2) of ``#rrggbb``."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_colour_stands_out(scheme: str) -> None:
    paper, *others = map(_luminance, SCHEMES[scheme])
    for other in others:
        assert (max(paper, other) + 0.05) / (min(paper, other) + 0.05) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_browser_shows_it(
    width: int, height: int, scheme: str, full: tuple[Path, dict[str, bytes]], browser: Browser
) -> None:
    """No complaint, no request beyond the file, no sideways scrolling, every image loaded, and the scheme's paper."""
    address = (full[0] / "report" / "index.html").as_uri()
    browser.open(address, width=width, height=height, scheme=scheme)
    assert browser.complaints == []
    assert [url for url in browser.requests if not url.startswith(("data:", address))] == []
    wide, seen = browser.value("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert seen == width
    assert wide <= seen
    cut_off = "[...document.querySelectorAll('.box')].filter(box => box.scrollWidth > box.clientWidth).length"
    assert width < 1280 or browser.value(cut_off) == 0
    assert browser.value(COLLISIONS) == []
    loaded = (
        "Promise.all([...document.querySelectorAll('image')].map(i => {const p = new Image();"
        "p.src = i.href.baseVal; return p.decode().then(() => p.naturalWidth)}))"
    )
    widths = browser.value(loaded)
    assert len(widths) >= 6
    assert min(widths) > 0
    red, green, blue = (
        int(part) for part in re.findall(r"\d+", browser.value("getComputedStyle(document.body).backgroundColor"))
    )
    assert f"#{red:02x}{green:02x}{blue:02x}" == SCHEMES[scheme][0]
    text = browser.value("getComputedStyle(document.querySelector('svg text')).fill")
    ink = [int(part) for part in re.findall(r"\d+", text)]
    assert "#" + "".join(f"{part:02x}" for part in ink[:3]) in SCHEMES[scheme][1:]


def test_the_page_can_be_heard(full: tuple[Path, dict[str, bytes]], browser: Browser) -> None:
    """Headings in order, every picture named, every head of a table with its scope, one h1."""
    browser.open((full[0] / "report" / "index.html").as_uri(), width=1280, height=900)
    levels = browser.value("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert browser.value("[...document.querySelectorAll('svg')].every(s => s.getAttribute('aria-label').length > 20)")
    assert browser.value("[...document.querySelectorAll('th')].every(h => h.scope)")
    assert browser.value("document.documentElement.lang") == "en"


def test_it_prints(full: tuple[Path, dict[str, bytes]], browser: Browser) -> None:
    """On white, in a sane number of pages, with the last section in it."""
    browser.open((full[0] / "report" / "index.html").as_uri(), width=1280, height=900, scheme="dark")
    pages = PdfReader(io.BytesIO(browser.pdf())).pages
    assert 4 <= len(pages) <= 14
    assert "Reproduction" in "".join(sheet.extract_text() for sheet in pages[-3:])
    browser.send("Emulation.setEmulatedMedia", media="print")
    assert browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_a_picture_alone_has_its_own_scheme(full: tuple[Path, dict[str, bytes]], browser: Browser) -> None:
    for scheme, colours in SCHEMES.items():
        path = full[0] / "report" / "figures" / "attribution.svg"
        browser.open(path.as_uri(), width=600, height=500, scheme=scheme)
        assert browser.complaints == []
        found = browser.value("getComputedStyle(document.documentElement).backgroundColor")
        assert "#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", found)[:3]) == colours[0]


def test_the_drawing_of_a_residual_network() -> None:
    """What skips a layer is seen, with where it comes from."""
    from rsscircuit.network import read_network

    network = read_network(Path(__file__).parents[2] / "examples" / "resnet20_fashion" / "resnet20.onnx")

    class Shape:
        class matrix:  # noqa: N801
            weights = np.ones((4, 4))

    standing = stops(network, dict.fromkeys((layer.name for layer in network.crossbar_layers), Shape), 1.0)  # type: ignore[arg-type]
    sums = [stop for stop in standing if stop.word == "Add"]
    assert len(sums) == 9
    assert all(len(stop.sources) == 2 for stop in sums)
    assert sum(stop.layer is not None for stop in standing) == len(network.crossbar_layers) == 22


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 200), st.integers(0, 9))
def test_a_binned_map_keeps_the_worst(rows: int, columns: int, most: int, seed: int) -> None:
    error = np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)
    error[0, : columns // 2] = np.nan
    found, k = binned(error, most)
    assert found.size <= max(most, 1)
    assert found.shape == (-(-rows // k), -(-columns // k))
    if not np.isnan(error).all():
        assert np.nanmax(np.abs(found)) == np.nanmax(np.abs(error))


def test_only_the_worst_of_many_are_shown() -> None:
    names: Any = [f"figure {k}" for k in range(MOST_SHOWN + 1)]
    shown, folded = parted(names, [0.0, 5.0, 1.0, 4.0, 0.0, 3.0, 2.0, 0.0, 0.0])
    assert shown == ["figure 1", "figure 3", "figure 5", "figure 6"]
    assert len(shown) == SHOWN_OF_MORE
    assert len(shown) + len(folded) == len(names)
    assert parted(names[:-1], [0.0] * MOST_SHOWN) == (names[:-1], [])


def test_numbers_are_written_for_people() -> None:
    assert share(0.0123456) == "1.23\u00a0%"
    assert share(2.5e-5) == "0.0025\u00a0%"
    assert share(9.39e-7) == "9.39e-5\u00a0%"
    assert share(-0.00499) == "−0.499\u00a0%"
    assert share(0.9998, 5) == "99.98\u00a0%"
    assert share(0.0) == "0\u00a0%"
    assert quantity(4.7e-5, "S") == "47\u00a0µS"
    assert quantity(1e6, "Ohm") == "1\u00a0MΩ"
    assert quantity(1234.0, "s") == "1.23\u00a0ks"
    assert square(1.0833e9) == "1\u202f080\u00a0mm²"
    assert square(320.0) == "320\u00a0µm²"
    assert count(107786, "pair") == "107\u202f786 pairs"
    assert count(1, "tile") == "1 tile"


def test_bad_inputs_end_in_one_error(small_design: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                     monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    for words, says in (
        (["report", tmp_path], "not a design"),
        (["report", small_design, "--exploration", tmp_path], "no exploration there"),
        (["report", small_design, "--inputs", tmp_path / "none.npy", "--out", tmp_path / "out"], "none.npy"),
    ):
        monkeypatch.setattr(sys, "argv", ["generate-crossbar", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert end.value.code == 2
        assert says in capsys.readouterr().err
