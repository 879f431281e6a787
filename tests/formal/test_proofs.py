"""The proofs of the controller: that they hold, that their situations are reached, and that they fail on mutants."""

import re
from dataclasses import replace

import pytest
from formal_bench import FUSED, TINY, Host, emitted, prove, simulate
from formal_mutants import BUS_MUTANTS, FUSE_MUTANTS, MUTANTS, calibrate, edit, infer, load, refused, verify

from rsscircuit.controller import ArrayGeometry, ControllerConfig, emit_proofs, emit_verilog
from rsscircuit.controller.proofs import PROPERTIES, Task, cover_task, load_bound, proofs, statements
from rsscircuit.templates import read

MOST_SECONDS = 60  # of a proof, CPU; here all of a controller's are one
FULL = ControllerConfig(geometry=ArrayGeometry(64, 64, 16))
ODD = ControllerConfig(
    geometry=ArrayGeometry(3, 5, 7), tiles=3, bus="wishbone", weight_map=True, weight_bits=2, timeout_cycles=50
)
BARE = ControllerConfig(
    geometry=ArrayGeometry(4, 2, 20),
    bus="spi",
    array="ports",
    inference=False,
    calibration=False,
    editing=False,
)
FULL_FUSED = replace(FULL, fuses=True, editing=False, calibration=False)
ODD_FUSED = replace(
    ODD, fuses=True, editing=False, calibration=False, weight_map=False, array="ports", inference=False, sense_cycles=1
)
ONE_A_PROOF = (
    "p_calibration_drives_its_tile",
    "p_calibration_clears",
    "p_one_owner",
    "p_start_is_taken",
    "p_latch_is_as_accepted",
    "p_read_back_ends",
    "p_memory_keeps",
    "p_settings_rest",
    "p_no_input_overflow",
    "p_b_after_the_write",
)
OF_FUSES = (
    "p_no_drive_while_sensing",
    "p_start_is_taken",
    "p_sensed_in_time",
    "p_never_written",
    "p_every_word_is_read",
)


@pytest.fixture(scope="module")
def tiny():
    return emitted(TINY)


@pytest.mark.parametrize(
    "config",
    [FULL, ODD, BARE, FULL_FUSED, ODD_FUSED],
    ids=["full size", "odd", "bare", "fuses at full size", "fuses, odd"],
)
def test_every_proof_holds(config, tmp_path):
    verilog = emit_verilog(config)["xbar_top.sv"]
    whole = Task(name="whole", proofs=proofs(config))
    verdict, failed, _, seconds = prove(tmp_path, verilog, config, [whole])["whole"]
    assert (verdict, failed) == ("PASS", set())
    assert seconds < MOST_SECONDS


def test_every_property_is_described_and_has_a_mutant():
    assert set(statements(TINY)) == set(MUTANTS)
    assert set(statements(FUSED)) == set(FUSE_MUTANTS)
    text = read("controller/formal_properties.sv")
    names = re.findall(r"\b(p_\w+): assert", text)
    assert sorted(names) == sorted(PROPERTIES) == sorted({*MUTANTS, *BUS_MUTANTS, *FUSE_MUTANTS})
    assert {each.cover for each in PROPERTIES.values()} <= set(re.findall(r"(c_\w+): cover", text))
    assert {PROPERTIES[name].proof for name in ONE_A_PROOF} == set(proofs(TINY))
    assert {PROPERTIES[name].proof for name in FUSE_MUTANTS} == set(proofs(FUSED))
    for part, body in re.findall(r"`ifdef (\w+)(.*?)`endif", text, flags=re.DOTALL):
        for name in re.findall(r"\b(p_\w+): assert", body):
            assert PROPERTIES[name].proof == part.lower()


def test_every_situation_is_reached(tiny, tmp_path):
    timeout = Host().load(3).wait(20)
    scenarios = [
        (load(), 22),
        (timeout, -1),
        (edit(), -1),
        (infer(), -1),
        (calibrate(), -1),
        (Host().load(), 4),
        (refused(), -1),
    ]
    reached = set()
    for number, (host, kill_at) in enumerate(scenarios):
        failed, covers = simulate(tmp_path / str(number), tiny, TINY, host, kill_at=kill_at)
        assert failed == set()
        reached |= covers
    assert reached == set(re.findall(r"(c_\w+): cover", read("controller/formal_properties.sv"))) - {"c_sensing"}


def test_every_situation_of_fuses_is_reached(tmp_path):
    verilog = emitted(FUSED)
    busy = infer(config=FUSED).read("LATCH").write("CONTROL", load=1).write("SELECT").wait(8).write("SELECT", tile=1)
    scenarios = [(busy, -1), (verify().wait(8), 20)]
    reached = set()
    for number, (host, kill_at) in enumerate(scenarios):
        failed, covers = simulate(tmp_path / str(number), verilog, FUSED, host, kill_at=kill_at)
        assert failed == set()
        reached |= covers
    told = [each for each in PROPERTIES.values() if each.proof in proofs(FUSED)]
    assert [each for each in told if each.cover in reached] == list(statements(FUSED).values())


@pytest.mark.parametrize("name", OF_FUSES)
def test_a_mutant_with_fuses_breaks_its_property(name, tmp_path):
    mutant = FUSE_MUTANTS[name]
    failed, _ = simulate(tmp_path, emitted(mutant.config, *mutant.edits), mutant.config, mutant.host)
    assert name in failed


@pytest.mark.parametrize("name", ONE_A_PROOF)
def test_a_mutant_breaks_its_property(name, tmp_path):
    mutant = MUTANTS[name]
    failed, _ = simulate(
        tmp_path, emitted(mutant.config, *mutant.edits), mutant.config, mutant.host, kill_at=mutant.kill_at
    )
    assert name in failed


def test_the_proof_fails_on_a_mutant(tmp_path):
    mutant = MUTANTS["p_no_drive_while_loading"]
    verdict, failed, _, _ = prove(tmp_path, emitted(TINY, *mutant.edits), TINY, [Task(name="drive")])["drive"]
    assert verdict != "PASS"
    assert failed
    assert list(tmp_path.glob("formal/xbar_top_drive/engine_0/trace*.vcd"))


@pytest.mark.parametrize("name", ["p_spi_silent"])
def test_the_solver_finds_what_breaks_a_bus(name, tmp_path):
    config, depth, change = BUS_MUTANTS[name]
    task = Task(name=PROPERTIES[name].proof, mode="bmc", depth=depth, only=name)
    verdict, failed, _, _ = prove(tmp_path, emitted(config, change), config, [task])[task.name]
    assert (verdict, failed) == ("FAIL", {name})
    assert (tmp_path / "formal" / f"xbar_top_{task.name}" / "engine_0" / "trace.vcd").exists()


def test_the_emitted_task_file_names_every_proof_and_runs(tiny, tmp_path):
    files = emit_proofs(TINY, tiny)
    assert set(files) == {"formal/xbar_properties.sv", "formal/xbar_top.sby"}
    assert files["formal/xbar_top.sby"].split("[options]")[0].split("[tasks]")[1].split() == [*proofs(TINY), "cover"]
    covers = prove(tmp_path, tiny, TINY, [cover_task(TINY)])["cover"]
    assert covers[0] == "PASS"
    assert covers[2] == {"c_write_answered", "c_read_answered", "c_fault", "c_killed"}


def test_a_renamed_signal_is_told(tiny):
    with pytest.raises(KeyError, match=r"controller\.arbiter\.fault"):
        emit_proofs(TINY, tiny.replace("arbiter", "umpire"))


def test_the_emitted_task_file_of_fuses_runs(tmp_path):
    verilog = emitted(FUSED)
    tasks = emit_proofs(FUSED, verilog)["formal/xbar_top.sby"].split("[options]")[0].split("[tasks]")[1].split()
    assert tasks == [*proofs(FUSED), "cover"]
    assert not {"latches", "bounded", "memory"} & set(tasks)
    covers = prove(tmp_path, verilog, FUSED, [cover_task(FUSED)])["cover"]
    assert (covers[0], covers[2]) == ("PASS", {"c_write_answered", "c_read_answered", "c_sensing"})


def test_the_bound_of_a_load_is_that_of_its_words():
    assert load_bound(TINY) == 8 * (40 + 767) + 4 * 7 + 8
