"""How many resistors a bank needs: the sample, the search, its verdicts, the command."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from rsscircuit.banks import bank_spec, sample_pairs
from rsscircuit.errors import InputError
from rsscircuit.report.sizing_tables import show_sizes
from rsscircuit.seeds import stream
from rsscircuit.sizing import Request, Verdict, program_pairs, simulate, size, sized_request, split_plans
from rsscircuit.sizing.answer import answer
from rsscircuit.sizing.intervals import clustered_share
from rsscircuit.technology import load_technology
from rsscircuit.technology.cell import bank_area_um2

TECHNOLOGY = load_technology("sky130_xhigh_1M")
PARTS = ("coverage", "resolution", "measurement")


def coarse(bits: float) -> object:
    return replace(TECHNOLOGY, measurement=replace(TECHNOLOGY.measurement, bits=bits))


def asked(**choices: object) -> Request:
    return sized_request(**{"error": 1e-2, "confidence": 0.99} | choices)  # type: ignore[arg-type]


def test_pairs_are_programmed_as_build_would() -> None:
    spec, request = bank_spec("geometric:1.25", 4, 1e6), asked(confidence=0.9, dies=20, pairs=3)
    pairs = program_pairs(spec, TECHNOLOGY, request, 20)
    sample = sample_pairs(spec, TECHNOLOGY, dies=20, pairs=3, seed=request.seed)
    wanted = request.law.draw(stream(request.seed, "stimulus", layer="size"), (20, 3))
    masks = (np.arange(256)[:, None] >> np.arange(8)) & 1
    for die, pair in np.ndindex(20, 3):
        full_scale = 0.85 * np.median(sample.measured_siemens[die].sum(axis=2))
        plus, minus = sample.measured_siemens[die, pair]
        residuals = (masks @ np.concatenate([plus, -minus])) / full_scale - wanted[die, pair]
        best = np.abs(residuals).argmin()
        true = masks[best] @ np.concatenate([sample.true_siemens[die, pair, 0], -sample.true_siemens[die, pair, 1]])
        assert abs(pairs.residual[die, pair]) == pytest.approx(abs(residuals[best]), abs=1e-12)
        assert pairs.error[die, pair] == pytest.approx(true / full_scale - wanted[die, pair], abs=1e-12)
    assert pairs.floor == pytest.approx(pairs.error - pairs.residual)


def test_fewer_dies_are_the_first_of_them() -> None:
    spec = bank_spec("linear:0.2", 5, 1e6)
    few, many = (program_pairs(spec, TECHNOLOGY, asked(dies=40), dies) for dies in (20, 40))
    assert (few.error == many.error[:20]).all()


@pytest.mark.parametrize(
    ("technology", "n", "error", "targets", "some"),
    [
        ("sky130_xhigh_1M", 5, 1e-3, "weights", {"resolution"}),
        ("sky130_xhigh_1M", 13, 3e-5, "mid", {"measurement"}),
        ("thesis_uniform", 3, 5e-2, "mid", {"coverage", "resolution"}),
    ],
)
def test_misses_are_of_three_kinds(technology: str, n: int, error: float, targets: str, some: set[str]) -> None:
    process = load_technology(technology)
    spec = bank_spec("equal" if technology == "thesis_uniform" else "linear:0.2", n, process.resistor.unit_ohm)
    request = asked(error=error, targets=targets, dies=60)
    outcome = simulate(spec, process, request, 60)
    pairs = program_pairs(spec, process, request, 60)
    assert outcome.miss.value == np.mean(np.abs(pairs.error) > error)
    assert outcome.miss.value == pytest.approx(sum(getattr(outcome, part).value for part in PARTS))
    assert {part for part in PARTS if getattr(outcome, part).value > 0.01} == some
    assert outcome.area_um2 == 2 * bank_area_um2(spec.nominal_ohm, process)
    for name in ("miss", *PARTS, "rms", "floor", "bits"):
        figure = getattr(outcome, name)
        assert figure.low <= figure.value <= figure.high
    assert outcome.bits.value == pytest.approx(np.log2(2 / outcome.rms.value / 12**0.5), abs=0.01)


def test_the_converter_s_grid_is_no_lack_of_resolution() -> None:
    request, spec = asked(error=1e-5, dies=20), bank_spec("linear:0.2", 11, 1e6)
    technology = coarse(6)
    pairs, outcome = (each(spec, technology, request, 20) for each in (program_pairs, simulate))  # type: ignore[arg-type]
    far = np.abs(pairs.residual) > request.error
    assert far.mean() > 0.8  # measured sums lie on the grid, further apart than the error
    assert pairs.possible.mean() > 0.95
    assert outcome.measurement.value > 0.9
    assert outcome.resolution.value < 0.05
    (fine,) = (simulate(spec, coarse(24), request, 20),)  # type: ignore[arg-type]
    assert fine.measurement.value < 0.05


def test_what_is_possible_is_so_on_true_branches() -> None:
    spec = bank_spec("linear:0.2", 3, 1e6)
    request = asked(error=0.02, confidence=0.9, targets="mid", dies=20, pairs=4)
    pairs = program_pairs(spec, TECHNOLOGY, request, 20)
    sample = sample_pairs(spec, TECHNOLOGY, dies=20, pairs=4, seed=request.seed)
    wanted = request.law.draw(stream(request.seed, "stimulus", layer="size"), (20, 4))
    masks = (np.arange(64)[:, None] >> np.arange(6)) & 1
    for die, pair in np.ndindex(20, 4):
        full_scale = 0.85 * np.median(sample.measured_siemens[die].sum(axis=2))
        plus, minus = sample.true_siemens[die, pair] / full_scale
        sums = masks @ np.concatenate([plus, -minus])
        assert pairs.possible[die, pair] == (np.abs(sums - wanted[die, pair]).min() <= request.error)
        assert pairs.beyond[die, pair] == (not -minus.sum() <= wanted[die, pair] <= plus.sum())
    assert 0 < pairs.possible.mean() < 1


def test_the_size_is_the_smallest_that_is_shown_to_do() -> None:
    (found,) = size(["geometric:1.25"], TECHNOLOGY, asked())
    assert found.needed is not None
    assert found.least is not None
    assert found.least <= found.needed
    sizes = [outcome.resistors for outcome in found.outcomes]
    assert sizes == list(range(sizes[0], found.needed + 2))
    verdicts = [outcome.verdict for outcome in found.outcomes]
    assert verdicts.index(Verdict.ENOUGH) == sizes.index(found.needed)
    for outcome in found.outcomes:
        assert (outcome.miss.high <= 0.01) == (outcome.verdict is Verdict.ENOUGH)
        assert (outcome.miss.low > 0.01) == (outcome.verdict is Verdict.TOO_FEW)
    other = simulate(bank_spec("geometric:1.25", found.needed, 1e6), TECHNOLOGY, asked(seed=7, dies=100), 100)
    assert other.miss.high <= 0.012
    assert found == size(["geometric:1.25"], TECHNOLOGY, asked())[0]


def test_equal_nominals_are_never_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(size.__globals__, "MOST_RESISTORS", 10)
    (found,) = size(["equal"], TECHNOLOGY, asked(error=1e-3))
    assert found.needed is None
    assert found.least is None
    assert found.converter_from is None
    assert all(outcome.verdict is Verdict.TOO_FEW for outcome in found.outcomes)
    assert found.gap_law is not None  # which knows nothing of clusters


def test_a_coarse_converter_is_told_from_too_few_resistors() -> None:
    (found,) = size(["geometric:1.25"], coarse(7), asked(error=1e-3, targets="mid"))  # type: ignore[arg-type]
    assert found.needed is None
    assert found.converter_from == found.outcomes[-2].resistors
    last = found.outcomes[-1]
    assert last.verdict is Verdict.CONVERTER
    assert last.measurement.low > 0.01 > last.resolution.low
    assert found.bits > 7
    (fine,) = size(["geometric:1.25"], coarse(found.bits), asked(error=1e-3, targets="mid"))  # type: ignore[arg-type]
    assert fine.needed is not None


def test_a_list_is_tried_at_its_own_length() -> None:
    (found,) = size(["list:1,1.2,1.5,1.9,2.4,3"], TECHNOLOGY, asked())
    assert [outcome.resistors for outcome in found.outcomes] == [6]
    assert found.needed == 6


def test_lists_keep_their_numbers() -> None:
    assert split_plans("equal, list:1,1.3,1.7,linear:0.3") == ("equal", "list:1,1.3,1.7", "linear:0.3")
    for text in ("", "equal,,linear", "equal,equal"):
        with pytest.raises(InputError, match="--plans"):
            split_plans(text)


def test_the_default_sample_follows_the_confidence() -> None:
    for confidence in (0.9, 0.99, 0.999, 0.9999):
        request = asked(confidence=confidence)
        assert request.dies * request.pairs * (1 - confidence) >= 30 * (1 - 1e-9)
    assert asked(confidence=0.999, pairs=1).dies == 30_000


def test_the_least_sample_shows_the_confidence_without_a_miss() -> None:
    with pytest.raises(InputError, match="take 50 dies"):
        asked(confidence=0.999, dies=49)
    for dies, enough in ((50, True), (49, False)):
        assert (clustered_share(np.zeros(dies), 64, 1.0).high <= 0.001) == enough
    assert asked(confidence=0.999, dies=50).dies == 50


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        ({"error": 0}, "--error"),
        ({"error": float("nan")}, "--error"),
        ({"confidence": 1}, "--confidence"),
        ({"targets": "large"}, "weights, mid"),
        ({"seed": -1}, "--seed"),
        ({"pairs": 0}, "--pairs"),
        ({"dies": 5}, "take 20 or more"),
        ({"dies": 40, "confidence": 0.999}, "2560 pairs cannot show .* takes 3200; got 40; take 50 dies"),
        ({"dies": 10**6}, "at most 1000000"),
        ({"measurement_share": 0}, "--measurement-share"),
    ],
)
def test_bad_requests(choices: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        asked(**choices)


def test_bad_plans_and_hopeless_errors() -> None:
    with pytest.raises(InputError, match=r"^--plans: no such bank plan; got 'cubic'"):
        size(["cubic"], TECHNOLOGY, asked())
    with pytest.raises(InputError, match=r"^--plans: the parameter of linear .* got 'linear:2'; name plans as build"):
        size(["equal", "linear:2"], TECHNOLOGY, asked())
    request = replace(asked(), error=1e-14)
    with pytest.raises(InputError, match="at most 20 multiples"):
        size(["list:" + ",".join(["1"] * 21)], TECHNOLOGY, asked())
    with pytest.raises(InputError, match="counting bound"):
        size(["linear"], TECHNOLOGY, request)


def command(*words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "rsscircuit.cli", "size", *words]
    return subprocess.run(line, capture_output=True, text=True, timeout=120)


def test_the_command_prints_the_record() -> None:
    words = ("--error", "1e-2", "--confidence", "0.99", "--plans", "linear:0.2,binary")
    record = json.loads(command(*words, "--json").stdout)
    printed = command(*words)
    assert printed.returncode == 0
    assert printed.stderr == ""
    assert [plan["plan"] for plan in record["plans"]] == ["linear:0.2", "binary:2"]
    for plan in record["plans"]:
        line = next(line for line in printed.stdout.splitlines() if line.strip().startswith(plan["plan"]))
        assert line.split()[1] == str(plan["needed"])
    theory = record["theory"]
    assert theory["volume"]["violations"] == 0
    for words_ in ("counting bound", "Lueker", f"all of {theory['volume']['states']} states", "coverage", "floor"):
        assert words_ in printed.stdout


def test_a_refusal_is_one_line() -> None:
    done = command("--dies", "20")
    assert done.returncode == 2
    assert done.stderr.startswith("error: --dies: 1280 pairs cannot show a confidence of 0.999")
    assert done.stderr.count("\n") == 1


def test_what_is_not_enough_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    request = asked(error=1e-3, targets="mid")
    technology = coarse(7)
    record = answer(["geometric:1.25"], technology, request)  # type: ignore[arg-type]
    show_sizes(record, technology)  # type: ignore[arg-type]
    said = capsys.readouterr().out
    bits = record["plans"][0]["bits"]
    assert f"resistors on only measurement is in the way; a converter of {bits} bits is what it takes\n" in said
    record["plans"][0] |= {"converter_from": None, "least": None}
    show_sizes(record, technology)  # type: ignore[arg-type]
    assert f"{record['plans'][0]['outcomes'][-1]['resistors']} resistors are too few" in capsys.readouterr().out
    record["plans"][0] |= {"converter_from": 5, "least": 5}
    record["plans"][0]["outcomes"][-1]["miss"] = {"value": 0.0, "low": 0.0, "high": 0.0499}
    show_sizes(record, technology)  # type: ignore[arg-type]
    assert "from 5 resistors on only measurement can be in the way; 300 dies may tell" in capsys.readouterr().out
