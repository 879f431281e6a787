"""Sign-off: it passes on what a build emits, and a single wrong bit, branch or latch makes it fail."""

from __future__ import annotations

import json
import re
import shutil
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import rsscircuit
from rsscircuit.cli import cli
from rsscircuit.controller import ArrayGeometry
from rsscircuit.controller.bitstream import HEADER_WORDS
from rsscircuit.controller.bus import BUSES
from rsscircuit.design import load, record
from rsscircuit.design.files import write_array
from rsscircuit.errors import DesignError, InputError
from rsscircuit.handing_over import hand_over
from rsscircuit.netlist import source_volts
from rsscircuit.options import BuildOptions
from rsscircuit.seeds import stream
from rsscircuit.signoff import run, run_closed_loop, run_transient, sign_off, tile
from rsscircuit.signoff.checks import current_checks, expected
from rsscircuit.signoff.hdl import compile_bench, read_words
from rsscircuit.signoff.small import MOST_SWITCHES
from rsscircuit.signoff.tile import Job, sign_off_tile
from rsscircuit.signoff.transfer import drawn_banks, with_latches
from rsscircuit.simulate import ngspice

SIZE, BRANCHES = 2, 4
BITS = SIZE * SIZE * 2 * BRANCHES
ROWS, PLAN, WEIGHTS = "one row at a time", "real inputs, plan", "real inputs, weights"
PICKED = stream(1, "stimulus").permutation(BITS)[:6].tolist()
NAMES = ["load", "latches", "netlist", ROWS, PLAN, WEIGHTS]
WEIGHTS_2X2 = np.array([[0.7, -0.4], [0.25, 1.0]])


def build_tiny(folder: Path, weights: np.ndarray = WEIGHTS_2X2, *, calibrated: bool = True, **choices: Any) -> Path:
    """One square layer, in banks of four."""
    size = len(weights)
    layers = json.dumps([{"operator": "Gemm", "name": "out", "weight": "w", "transB": 1}])
    np.savez(folder / "tiny.npz", input_shape=np.array([0, size]), layers=layers, w=weights)
    np.save(folder / "x.npy", np.random.default_rng(3).random((6, size)))
    calibration = str(folder / "x.npy") if calibrated else None
    options = BuildOptions(**{"tile": (size, size), "resistors": BRANCHES, "calibration": calibration} | choices)
    rsscircuit.build(folder / "tiny.npz", folder / "design", options)
    return folder / "design"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def design(built: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(built, tmp_path / "design"))


@pytest.fixture(scope="module")
def job(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """The tile of the tiny design, with its own Verilog compiled once."""
    bench = compile_bench(built / "hdl", run.controller_of(built, load(built)), tmp_path_factory.mktemp("bench"))
    return Job(
        directory=str(built),
        fingerprint="",
        layer="out",
        tile=0,
        number=0,
        bench=bench,
        volts=np.array([[0.2, 0.1], [0.05, 0.2]]),
    )


def there(job: Job, folder: Path) -> Job:
    return replace(job, directory=str(folder), fingerprint=str(folder))


def failed(found: dict) -> list[str]:
    assert found["passed"] == all(check["passed"] for check in found["checks"])
    return [check["name"] for check in found["checks"] if not check["passed"]]


def command(*words: object) -> Result:
    return CliRunner().invoke(cli, ["signoff", *map(str, words)])


def flip(design: Path, row: int, bit: int) -> None:
    """Flip a bit of the data of the tile's frame, and make its checksum right again."""
    file = design / "bitstream" / "out" / "tile_0.bin"
    frame = bytearray(file.read_bytes())
    frame[4 * (HEADER_WORDS + row) + bit // 8] ^= 1 << bit % 8
    frame[-4:] = zlib.crc32(frame[:-4]).to_bytes(4, "little")
    file.write_bytes(frame)


def replace_deck(design: Path, old: str, new: str) -> None:
    file = design / "netlist" / "out" / "tile_0.cir"
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def test_every_tile_of_a_design_is_signed_off(small_design: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(small_design, tmp_path / "design")
    answer = command(copy, "--layer", "hidden", "--workers", "0", "--json")
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.output)
    assert found == json.loads((copy / "results" / "signoff.json").read_text())
    assert found["passed"]
    assert [each["tile"] for each in found["tiles"]] == [0, 1, 2, 3]
    for each in found["tiles"]:
        assert [check["name"] for check in each["checks"]] == NAMES
        figures = {check["name"]: check["figure"] for check in each["checks"]}
        assert 0 < figures[ROWS] < 1e-6  # simulated, and the closed form is exact
        assert 0 < figures[WEIGHTS] < 1


@pytest.mark.parametrize("bus", ["wishbone", "spi"])
def test_a_design_is_signed_off_over_its_own_bus_and_with_a_flipped_bit_is_not(bus: str, tmp_path: Path) -> None:
    """The other tests have AXI4-Lite."""
    folder = build_tiny(tmp_path, bus=bus)
    pins = {"axi4-lite": "s_axi_awaddr", "wishbone": "wb_adr_i", "spi": "spi_mosi"}
    verilog = (folder / "hdl" / "xbar_top.sv").read_text()
    assert [name for name, pin in pins.items() if pin in verilog] == [bus]
    assert sign_off(folder)["passed"]
    assert run_closed_loop(folder, layer="out", tile=0)["passed"]
    flip(folder, 1, PICKED[0] % (BITS // SIZE))
    assert failed(sign_off(folder)["tiles"][0])[:3] == ["latches", "netlist", ROWS]


def test_a_controller_of_another_bus_or_converter_is_refused(design: Path, tmp_path: Path) -> None:
    """The design says what it was built with; the Verilog beside it is not asked."""
    hand_over(design, design / "hdl", bus="spi", force=True)
    with pytest.raises(DesignError, match=r"built for axi4-lite, and its Verilog has no pin s_axi_\*"):
        sign_off(design)
    hand_over(design, design / "hdl", adc_bits=7, force=True)
    with pytest.raises(DesignError, match="have 10 bits at adc_code, and its Verilog has others; got 7"):
        sign_off(design)


def test_what_was_signed_off_is_not_run_again(design: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = sign_off(design)

    def never(job: Job) -> None:
        raise AssertionError

    monkeypatch.setattr(run, "sign_off_tile", never)
    assert sign_off(design) == first
    with pytest.raises(AssertionError):
        sign_off(design, fresh=True)
    flip(design, 0, 0)
    with pytest.raises(AssertionError):
        sign_off(design)


@pytest.mark.parametrize("bit", PICKED)
def test_a_flipped_bit_of_the_bitstream_fails(bit: int, job: Job, design: Path) -> None:
    flip(design, *divmod(bit, BITS // SIZE))
    assert failed(sign_off_tile(there(job, design)))[:3] == ["latches", "netlist", ROWS]


def test_a_flipped_bit_beyond_the_last_column_fails(job: Job, design: Path) -> None:
    flip(design, 1, 31)
    assert failed(sign_off_tile(there(job, design))) == ["latches"]


def test_a_flipped_bit_without_its_checksum_leaves_the_array_open(job: Job, design: Path) -> None:
    file = design / "bitstream" / "out" / "tile_0.bin"
    frame = bytearray(file.read_bytes())
    frame[4 * HEADER_WORDS] ^= 1
    file.write_bytes(frame)
    assert {"load", ROWS} <= set(failed(sign_off_tile(there(job, design))))


@pytest.mark.parametrize("bit", PICKED[:3])
def test_a_flipped_bit_of_the_plan_fails(bit: int, job: Job, design: Path) -> None:
    file = design / "banks" / "out" / "tile_0.closed.npy"
    closed = np.unpackbits(np.load(file), axis=3, count=BRANCHES, bitorder="little")
    closed.reshape(-1)[bit] ^= 1
    write_array(file, np.packbits(closed, axis=3, bitorder="little"))
    kept = record.read_record(design)
    record.write_record(design, {key: value for key, value in kept.items() if key != "fingerprints"})
    assert {"latches", ROWS} <= set(failed(sign_off_tile(there(job, design))))


def test_every_single_bit_shows_in_the_currents_of_one_row_at_a_time(built: Path) -> None:
    """All of them, and by the currents alone: the plan's latches with one bit flipped, into the netlist."""
    design = load(built)
    layer = design.layer("out")
    place = layer.tiles[0]
    crossbar = design.crossbar(layer, place)
    deck = (built / "netlist" / "out" / "tile_0.cir").read_text()
    volts = design.technology.drive.read_volt * np.eye(SIZE)
    wanted = expected(design, layer, place, crossbar, volts)

    def figure(closed: np.ndarray) -> float:
        sources = source_volts(volts, design.technology)
        currents = ngspice.operating_points(with_latches(deck, closed), sources, SIZE, where="test")
        return current_checks(design, crossbar, SIZE, currents, wanted)[0].figure

    assert figure(crossbar.closed) < 1e-6
    for bit in range(BITS):
        closed = crossbar.closed.copy()
        closed.reshape(-1)[bit] ^= True
        assert figure(closed) > 1.99


def test_swapped_branches_of_the_netlist_fail(job: Job, design: Path, built: Path) -> None:
    """A closed branch with an open one: by their resistors the currents show it too, by their gates the netlist."""
    deck = (design / "netlist" / "out" / "tile_0.cir").read_text()
    closed = drawn_banks(deck, (SIZE, SIZE, 2, BRANCHES), "test").closed
    row, column, polarity = np.argwhere(closed.any(axis=3) & ~closed.all(axis=3))[0].tolist()
    bank = closed[row, column, polarity]
    on, off = int(np.flatnonzero(bank)[0]), int(np.flatnonzero(~bank)[0])
    line = next(each for each in deck.splitlines() if each.startswith(f"X{row}_{column}{'pn'[polarity]} "))
    swapped = with_resistors_swapped(line, on, off)
    replace_deck(design, line, swapped)
    assert failed(sign_off_tile(there(job, design)))[:2] == ["netlist", ROWS]
    words = line.split()
    words[3 + on], words[3 + off] = words[3 + off], words[3 + on]
    replace_deck(design, swapped, " ".join(words))
    assert failed(sign_off_tile(there(job, design))) == ["netlist"]


def test_swapped_branches_of_the_same_state_fail_in_the_netlist_alone(job: Job, design: Path) -> None:
    """For this program it is the same circuit; the netlist's own values give it away."""
    deck = (design / "netlist" / "out" / "tile_0.cir").read_text()
    closed = drawn_banks(deck, (SIZE, SIZE, 2, BRANCHES), "test").closed
    row, column, polarity = np.argwhere((~closed).sum(axis=3) >= 2)[0].tolist()
    first, second = np.flatnonzero(~closed[row, column, polarity])[:2].tolist()
    line = next(each for each in deck.splitlines() if each.startswith(f"X{row}_{column}{'pn'[polarity]} "))
    replace_deck(design, line, with_resistors_swapped(line, first, second))
    assert failed(sign_off_tile(there(job, design))) == ["netlist"]


def with_resistors_swapped(line: str, a: int, b: int) -> str:
    """The line of a bank with the values of two branches exchanged."""
    values = dict(re.findall(r" (r\d+)=(\S+)", line))
    values[f"r{a}"], values[f"r{b}"] = values[f"r{b}"], values[f"r{a}"]
    return line.split(" bank ")[0] + " bank" + "".join(f" {name}={value}" for name, value in values.items())


def spoilt(job: Job, design: Path, tmp_path: Path, pattern: str, text: str) -> dict:
    """The sign-off with other Verilog of the latches."""
    file = design / "hdl" / "xbar_top.sv"
    verilog = file.read_text()
    head, latches = verilog.split("module xbar_top_latch_array0(")
    changed, count = re.subn(pattern, text, latches)
    assert count == 1
    file.write_text(f"{head}module xbar_top_latch_array0({changed}")
    scratch = tmp_path / "bench"
    scratch.mkdir()
    bench = compile_bench(design / "hdl", job.bench.config, scratch)
    return sign_off_tile(replace(there(job, design), bench=bench))


@pytest.mark.parametrize("bit", PICKED[:2])
def test_a_stuck_latch_fails(bit: int, job: Job, design: Path, tmp_path: Path) -> None:
    """Stuck at the other state than the plan's; reading back finds it, and the array stays open."""
    word = int.from_bytes((design / "bitstream" / "out" / "tile_0.bin").read_bytes()[20:24], "little")
    place = bit % (BITS // SIZE)
    stuck = f"& ~32'd{1 << place}" if word >> place & 1 else f"| 32'd{1 << place}"
    found = spoilt(job, design, tmp_path, r"<= port__wdata;", f"<= port__wdata {stuck};")
    assert {"load", "latches", ROWS} <= set(failed(found))
    assert "fault 1" in found["load"]


def test_a_latch_that_only_reads_right_fails(job: Job, design: Path, tmp_path: Path) -> None:
    """The latches are looked at themselves: a word that is kept inverted and read inverted deceives the controller."""
    file = design / "hdl" / "xbar_top.sv"
    file.write_text(file.read_text().replace("assign port__rdata = _3_;", "assign port__rdata = ~_3_;"))
    found = spoilt(job, design, tmp_path, r"<= port__wdata;", "<= ~port__wdata;")
    assert failed(found)[:3] == ["latches", "netlist", ROWS]


def test_another_tiles_bitstream_is_refused(small_design: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(small_design, tmp_path / "design")
    frames = copy / "bitstream" / "hidden"
    shutil.copy(frames / "tile_2.bin", frames / "tile_3.bin")
    answer = command(copy, "--layer", "hidden", "--tile", "3")
    assert answer.exit_code == 1
    assert re.search(r"hidden 3 +load +FAIL", answer.output)
    assert "FAIL: 0 of 1 tile signed off" in answer.output


def test_a_missing_netlist_fails_and_says_so(design: Path) -> None:
    (design / "netlist" / "out" / "tile_0.cir").unlink()
    answer = command(design)
    assert answer.exit_code == 1
    assert "add --netlists all to the build" in answer.output


def test_netlists_with_wires_are_compared_with_their_nodal_analysis(tmp_path: Path) -> None:
    found = sign_off(build_tiny(tmp_path, wires=True))
    assert found["passed"]
    assert found["expected"] == "nodal analysis of the plan"


def test_inputs_are_kept_by_the_build_or_given(tmp_path: Path, built: Path) -> None:
    given = np.load(built.parent / "x.npy")
    assert (np.load(built / "network" / "inputs.npy") == given).all()
    uncalibrated = build_tiny(tmp_path, calibrated=False)
    with pytest.raises(InputError, match="add --inputs"):
        sign_off(uncalibrated)
    assert sign_off(uncalibrated, inputs=tmp_path / "x.npy")["inputs"] == "the first 6 of x.npy"


def test_a_design_programmed_for_a_table_is_signed_off_too(built: Path, tmp_path: Path) -> None:
    rsscircuit.export_banks(built, tmp_path / "die.csv")
    rsscircuit.program(built, tmp_path / "die.csv", tmp_path / "other")
    assert sign_off(tmp_path / "other")["inputs"] == "6 of the build's calibration inputs"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--layer", "nowhere"], "no such crossbar layer"),
        (["--layer", "out", "--tile", "7"], "has tiles 0 to 0"),
        (["--tile", "7"], "no such tile"),
        (["--workers", "-1"], "from 0"),
        (["--transient"], "add --layer and --tile"),
        (["--transient", "--closed-loop"], "leave one out"),
    ],
)
def test_what_cannot_be_signed_off_is_refused(words: list[str], message: str, built: Path) -> None:
    answer = command(built, *words)
    assert message in str(answer.exception)


def test_unknown_latches_are_counted() -> None:
    dump = "// 0x0\n0000000x\nxxxxxxxx\n\nffffffff\nxxxxxxxx\n"
    states, unknown = read_words(dump, ArrayGeometry(2, 1, 4))
    assert states.tolist() == [[0], [0xFFFFFFFF]]
    assert unknown.tolist() == [[15], [0]]


def test_a_netlist_with_foreign_banks_is_refused(built: Path) -> None:
    deck = (built / "netlist" / "out" / "tile_0.cir").read_text()
    shape = (SIZE, SIZE, 2, BRANCHES)
    drawn = drawn_banks(deck, shape, "deck")
    assert drawn.present.all()
    assert (drawn_banks(with_latches(deck, ~drawn.closed), shape, "deck").closed == ~drawn.closed).all()
    for bad in (deck.replace("X0_0p ", "X0_9p "), deck.replace("X0_0p ", "X0_0n "), deck.replace(" g1 ", " g0 ")):
        with pytest.raises(DesignError, match="not as emitted"):
            drawn_banks(bad, shape, "deck")


def test_the_programming_sequence_is_seen_in_the_currents(design: Path) -> None:
    found = run_transient(design, layer="out", tile=0)
    assert found["passed"]
    assert found["steps"] == SIZE  # a row is a word
    waveform = np.loadtxt(design / "results" / "signoff_transient_out_0.csv", delimiter=",")
    assert np.ptp(waveform[:, 1:], axis=0).min() > 1e-8
    deck = design / "netlist" / "out" / "tile_0.cir"
    deck.write_text(re.sub(r" r(\d)=(\d{6})", r" r\1=1\2", deck.read_text()))  # ten times the resistance, or so
    spoilt = run_transient(design, layer="out", tile=0)
    assert failed(spoilt["tiles"][0]) == ["every step"]


def test_the_closed_loop_runs_vectors_through_controller_and_netlist(design: Path) -> None:
    found = run_closed_loop(design, layer="out", tile=0)
    assert found["passed"], found
    assert {check["name"] for check in found["tiles"][0]["checks"]} >= {"quiet while loading", ROWS, "results"}
    assert all(check["figure"] is not None for check in found["tiles"][0]["checks"])
    flip(design, 0, PICKED[0] % (BITS // SIZE))
    spoilt = run_closed_loop(design, layer="out", tile=0)
    assert ROWS in failed(spoilt["tiles"][0])


@pytest.mark.parametrize("bus", BUSES)
def test_the_closed_loop_holds_every_switch_of_the_largest_tile(bus: str, tmp_path: Path) -> None:
    weights = np.random.default_rng(5).uniform(-1, 1, (4, 4))
    design = build_tiny(tmp_path, weights, resistors=MOST_SWITCHES // (2 * weights.size), bus=bus)
    found = run_closed_loop(design, layer="out", tile=0)
    assert found["passed"], found
    flip(design, MOST_SWITCHES // 32 - 1, 31)
    spoilt = run_closed_loop(design, layer="out", tile=0)
    assert ROWS in failed(spoilt["tiles"][0])


def test_a_crashed_worker_is_a_failed_tile(design: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rsscircuit.execution import Crash, Done

    class Crashing:
        def run(self, function: object, items: list[Job]) -> list[Done]:
            return [Done(item, Crash(("Segmentation fault",))) for item in items]

    monkeypatch.setattr(run, "Here", Crashing)
    found = sign_off(design)
    assert not found["passed"]
    assert "Segmentation fault" in found["tiles"][0]["problem"]
    assert not (design / "results" / "signoff").exists()


def test_differing_bits_count_the_whole_array() -> None:
    from rsscircuit.signoff.hdl import Loaded

    geometry = ArrayGeometry(1, 1, 2)
    words, unknown = np.array([[0b10110]], np.uint32), np.array([[1 << 31]], np.uint32)
    loaded = Loaded(said="", driven=True, clocks=1, words=words, unknown=unknown)
    plan = np.array([[[[False, True], [True, False]]]])
    assert tile.differing(loaded, geometry, plan) == 2
