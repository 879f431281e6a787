"""Vectors through a tile, with model converters: order, double buffering, interrupt, refusals, a dead converter."""

import numpy as np
import pytest
from controller_bench import SMALL, WIDE, Rig, frame_of, switches

from rsscircuit.controller.arbiter import ENGINES
from rsscircuit.controller.bitstream import pack
from rsscircuit.controller.driver import BusError, ControllerFaultError
from rsscircuit.controller.faults import FaultCode

ONLY = {"calibration": False, "editing": False, "adc_bits": 12, "timeout_cycles": 500}
MODEL = {"scale": 64, "offset": 2000, "delay": 3}


def expected(rig, closed, codes, tile=0):
    current = (closed * rig.units[tile]).sum(axis=3) @ np.array([1, -1])
    return 2000 + np.floor(codes @ current / 64).astype(int)


def vectors(rig, count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, rig.config.geometry.rows))


@pytest.fixture(scope="module")
def rig():
    with Rig(WIDE, model=MODEL, **ONLY) as rig:
        rig.driver.load(frame_of(WIDE))
        yield rig


def test_a_vector_gives_the_codes_of_its_columns(rig):
    for codes in vectors(rig, 4):
        assert np.array_equal(rig.driver.infer(codes), expected(rig, switches(WIDE), codes))


def test_no_result_is_lost_or_torn_however_late_the_host_is(rig):
    driver, closed = rig.driver, switches(WIDE)
    batch = vectors(rig, 6, seed=1)
    driver.send_input(batch[0])
    driver.command("infer")
    for number in range(6):
        if number + 1 < 6:
            while driver.get("STATUS", "input_full"):
                pass
            driver.send_input(batch[number + 1])
            driver.command("infer")
        if number % 2:
            rig.bench.wait(700)
        assert np.array_equal(driver.results(), expected(rig, closed, batch[number]))
    assert driver.get("STATUS", "result_valid") == 0
    assert driver.read("RESULT") == 0


def test_results_wait_for_the_host_and_the_next_vector_waits_behind_them(rig):
    driver, closed = rig.driver, switches(WIDE)
    batch = vectors(rig, 3, seed=2)
    for codes in batch[:2]:
        driver.send_input(codes)
        driver.command("infer")
        rig.bench.wait(600)
    assert driver.get("STATUS", "inferring") == 1  # its results have no room yet
    driver.send_input(batch[2])
    driver.command("infer")
    with pytest.raises(BusError):
        driver.write("INPUT", code=1)
    with pytest.raises(BusError):
        driver.command("infer")
    rig.bench.wait(1000)
    for codes in batch:
        assert np.array_equal(driver.results(), expected(rig, closed, codes))


def test_the_sum_of_several_conversions(rig):
    rig.driver.write("AVERAGES", conversions=5)
    codes = vectors(rig, 1, seed=3)[0]
    assert np.array_equal(rig.driver.infer(codes), 5 * expected(rig, switches(WIDE), codes))
    rig.driver.write("AVERAGES", conversions=1)


def test_a_range_of_columns(rig):
    rig.driver.write("COLUMNS", first=1, last=3)
    codes = vectors(rig, 1, seed=4)[0]
    assert np.array_equal(rig.driver.infer(codes), expected(rig, switches(WIDE), codes)[1:4])
    rig.driver.write("COLUMNS", first=0, last=WIDE.columns - 1)


def test_the_interrupt_comes_with_the_results_and_goes_when_cleared(rig):
    driver = rig.driver
    driver.write("IRQ_STATUS", programmed=1, result=1)
    driver.write("IRQ_ENABLE", result=1)
    assert rig.pin("irq") == 0
    driver.infer(vectors(rig, 1)[0])
    assert rig.pin("irq") == 1
    driver.write("IRQ_STATUS", result=1)
    rig.bench.wait(1)
    assert rig.pin("irq") == 0


@pytest.mark.parametrize("clocks", [1, 2, 40, 300])
def test_the_first_conversion_waits_for_the_array_to_settle(rig, clocks):
    rig.driver.write("SETTLE", clocks=clocks)
    rig.driver.send_input(vectors(rig, 1)[0])
    rig.driver.command("infer")
    waited = []

    async def watch(simulation):
        while not simulation.get(rig.top.dac_update):
            await simulation.tick()
        count = 0
        while not simulation.get(rig.top.adc_request):
            await simulation.tick()
            count += 1
        waited.append(count)

    rig.bench.do(watch)
    assert waited == [clocks]
    rig.driver.results()
    rig.driver.write("SETTLE", clocks=16)


def test_nothing_runs_without_a_vector_or_a_program():
    with Rig(SMALL, model=MODEL, **ONLY) as rig:
        rig.driver.send_input([1, 2, 3, 4])
        with pytest.raises(BusError):
            rig.driver.command("infer")
        rig.driver.load(frame_of(SMALL))
        assert np.array_equal(rig.driver.infer_sent(), expected(rig, switches(SMALL), np.array([1, 2, 3, 4])))
        with pytest.raises(BusError):
            rig.driver.command("infer")


def test_no_command_starts_beside_a_waiting_vector():
    def owners(top):
        return tuple(getattr(top.controller.arbiter, name).busy for name in ENGINES)

    with Rig(SMALL, model=MODEL, record=owners, **ONLY) as rig:
        outcomes = set()
        for clocks in range(26, 38):  # the first vector ends meanwhile
            rig.driver.load(frame_of(SMALL))
            for _ in range(2):
                rig.driver.send_input([1, 2, 3, 4])
                rig.driver.command("infer")
            rig.bench.wait(clocks)
            try:
                rig.driver.command("load")
                outcomes.add("taken")
            except BusError:
                outcomes.add("refused")
            rig.driver.clear()
        assert outcomes == {"refused"}
        assert max(map(sum, rig.trace)) == 1


def test_a_dead_converter_is_a_fault():
    with Rig(SMALL, model=MODEL | {"delay": 10_000}, **ONLY) as rig:
        rig.driver.load(frame_of(SMALL))
        with pytest.raises(ControllerFaultError):
            rig.driver.infer([1, 2, 3, 4])
        rig.expect_fault(FaultCode.CONVERTER)
        assert rig.pin("adc_request") == 0
        assert rig.driver.get("ERRORS", "timeout") == 1


def test_a_kill_ends_a_vector():
    with Rig(SMALL, model=MODEL, **ONLY) as rig:
        rig.driver.load(frame_of(SMALL))
        for clock in (5, 11, 30, 60):
            rig.driver.send_input([9, 9, 9, 9])
            rig.alarm = (clock, rig.kill_between_edges)
            with pytest.raises(ControllerFaultError):
                rig.driver.infer_sent()
            rig.expect_fault(FaultCode.KILLED)
            rig.driver.clear()
            rig.driver.load(frame_of(SMALL))
            assert np.array_equal(
                rig.driver.infer([1, 2, 3, 4]), expected(rig, switches(SMALL), np.array([1, 2, 3, 4]))
            )


def test_the_selected_tile_runs():
    with Rig(SMALL, tiles=2, model=MODEL, **ONLY) as rig:
        codes = np.array([200, 3, 77, 140])
        for tile in range(2):
            rig.driver.load(pack(switches(SMALL, tile), SMALL, tile))
        for tile in (1, 0):
            rig.driver.write("SELECT", tile=tile)
            assert np.array_equal(rig.driver.infer(codes), expected(rig, switches(SMALL, tile), codes, tile))
