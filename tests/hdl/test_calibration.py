"""The calibrator measures a model array of known conductances, branch by branch, and leaves it open."""

import numpy as np
import pytest
from controller_bench import SMALL, WIDE, Rig, frame_of, switches

from rsscircuit.controller.driver import BusError, ControllerFaultError
from rsscircuit.controller.faults import FaultCode
from rsscircuit.controller.geometry import ArrayGeometry

ONLY = {"inference": False, "editing": False, "adc_bits": 10, "timeout_cycles": 500}
OFFSET = 300
TINY = ArrayGeometry(2, 2, 3)
FULL = 255


def distinct_units(geometry, tiles=1):
    """A different conductance for each branch, which gives that many codes at the full input."""
    shape = (tiles, geometry.rows, geometry.columns, 2, geometry.branches)
    return 1 + np.random.default_rng(4).permutation(np.prod(shape)).reshape(shape)


def rig_of(geometry, tiles=1, noise=(0,), **options):
    units = distinct_units(geometry, tiles)
    model = {"scale": FULL, "offset": OFFSET, "noise": noise}
    return Rig(geometry, tiles=tiles, units=units, model=model, **(ONLY | options))


def branch_codes(units):
    """Units [rows, columns, 2, branches] as a calibration reports them."""
    signed = units * np.array([1, -1])[:, None]
    return OFFSET + signed.reshape(*units.shape[:2], -1)


@pytest.mark.parametrize("geometry", [SMALL, WIDE, ArrayGeometry(2, 1, 20)])
def test_every_branch_is_measured_in_order(geometry):
    with rig_of(geometry) as rig:
        measured = rig.driver.calibrate()
        assert np.array_equal(measured.branch_codes, branch_codes(rig.units[0]))
        assert (measured.open_codes == OFFSET).all()


def test_it_erases_and_opens_the_array_and_clears_programmed():
    with rig_of(SMALL) as rig:
        rig.driver.load(frame_of(SMALL))
        rig.expect_programmed(switches(SMALL))
        rig.driver.write("IRQ_ENABLE", calibrated=1)
        measured = rig.driver.calibrate()
        assert np.array_equal(measured.branch_codes, branch_codes(rig.units[0]))
        assert rig.pin("irq") == 1
        assert rig.pin("programmed") == rig.pin("oe") == rig.pin("fault") == 0
        assert not rig.bench.closed().any()
        rig.bench.wait(4)
        assert not rig.converters.inputs.any()
        rig.driver.load(frame_of(SMALL, 1))
        rig.expect_programmed(switches(SMALL, 1))


@pytest.mark.parametrize("averages", [2, 3, 256])
def test_the_averages_are_right(averages):
    noise = (0, 1, 5, 0, 2, 0, 0, 3)
    with rig_of(TINY, noise=noise) as rig:
        rig.driver.write("CAL_ROWS", first=1, last=1)
        rig.driver.write("CAL_BRANCHES", first=2, last=3)
        measured = rig.driver.calibrate(averages)
        ideal = np.concatenate([np.full((1, 2, 1), OFFSET), branch_codes(rig.units[0])[1:, :, 2:4]], axis=2)
        read = np.concatenate([measured.open_codes[..., None], measured.branch_codes], axis=2)
        added = np.resize(noise, ideal.size * averages).reshape(-1, averages).mean(axis=1)
        # conversions run over the columns of a reading, reading by reading
        assert np.allclose(read - ideal, added.reshape(ideal.shape[2], 2).T[None], atol=1e-9)


def test_ranges_of_rows_columns_and_branches():
    with rig_of(WIDE) as rig:
        rig.driver.write("CAL_ROWS", first=1, last=2)
        rig.driver.write("CAL_BRANCHES", first=5, last=9)
        rig.driver.write("COLUMNS", first=2, last=3)
        measured = rig.driver.calibrate()
        assert np.array_equal(measured.branch_codes, branch_codes(rig.units[0])[1:, 2:4, 5:10])
        assert not rig.bench.closed().any()


def test_never_more_than_one_branch_of_a_column_is_driven():
    def pins(top):
        macro = top.controller.macro
        return top.oe, top.adc_request, macro.we, macro.row, macro.word, macro.wdata

    with rig_of(TINY, record=pins) as rig:
        rig.driver.load(frame_of(TINY))
        start = len(rig.trace)
        rig.driver.calibrate()
        words, driven = TINY.to_words(switches(TINY)), 0
        for oe, request, we, row, word, wdata in rig.trace[start:]:
            if we:
                words[row, word] = wdata
            if request:
                assert oe
                assert TINY.from_words(words).sum(axis=(0, 2, 3)).max() <= 1
                driven += 1
        assert driven > 50


def test_one_tile_of_two_is_calibrated_and_the_other_stays_as_it_is():
    with rig_of(SMALL, tiles=2) as rig:
        for tile in range(2):
            rig.driver.load(frame_of(SMALL, tile, tile))
        rig.driver.write("SELECT", tile=1)
        measured = rig.driver.calibrate()
        assert np.array_equal(measured.branch_codes, branch_codes(rig.units[1]))
        rig.expect_programmed(switches(SMALL, 0), 0)
        assert rig.pin("programmed") == rig.pin("oe") == 1
        assert not rig.bench.closed(1).any()


def test_clear_and_kill_end_a_calibration_with_nothing_programmed():
    with rig_of(SMALL) as rig:
        for clock in (3, 70, 200, 390, 700):
            rig.driver.load(frame_of(SMALL))
            rig.driver.command("calibrate")
            with pytest.raises(BusError):
                rig.driver.command("load")
            rig.bench.wait(clock)
            rig.driver.clear()
            rig.bench.wait(3)
            assert rig.driver.read("STATUS") == 0
            assert rig.pin("oe") == 0
            rig.driver.load(frame_of(SMALL))
            rig.alarm = (clock, rig.kill_between_edges)
            with pytest.raises((ControllerFaultError, BusError)):  # an early kill comes before the command
                rig.driver.calibrate()
            rig.expect_fault(FaultCode.KILLED)
            rig.driver.clear()


def test_a_dead_converter_is_a_fault():
    with rig_of(SMALL) as rig:
        rig.converters.dead = True
        with pytest.raises(ControllerFaultError):
            rig.driver.calibrate()
        rig.expect_fault(FaultCode.CONVERTER)
