"""The registers over each bus: reset values, access rights, refusals, and the rules of the handshakes."""

import numpy as np
import pytest
from controller_bench import LEAN, SMALL, Rig, frame_of, switches
from hypothesis import given, settings
from hypothesis import strategies as st

from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.driver import BusError, Driver
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.controller.masters import SPI_HALF_PERIOD
from rsscircuit.controller.registers import IDENTITY, Access, register_table
from rsscircuit.errors import InputError

BUSES = ("axi4-lite", "wishbone", "spi")


@pytest.fixture(scope="module", params=BUSES)
def rig(request):
    with Rig(SMALL, bus=request.param, weight_map=True, weight_bits=2, tiles=3, max_cycles=200_000) as rig:
        yield rig


def test_reset_values_access_rights_and_unmapped_addresses(rig):
    rig.driver.clear()
    table = register_table(rig.config)
    others = [register for register in table if not register.is_port]
    for register in others:
        if register.readable:
            assert rig.bench.read(register.address) == register.reset, register.name
    for register in others:
        if not register.readable:
            with pytest.raises(BusError):
                rig.bench.read(register.address)
        if not register.writable:
            with pytest.raises(BusError):
                rig.bench.write(register.address, 0xFFFF_FFFF)
            assert rig.bench.read(register.address) == register.reset
    for address in sorted(set(range(0, 0x100, 4)) - {register.address for register in table})[::5]:
        with pytest.raises(BusError):
            rig.bench.read(address)
        with pytest.raises(BusError):
            rig.bench.write(address, 1)


def test_fields_hold_what_is_written(rig):
    for register in register_table(rig.config)[:: 3 if rig.config.bus == "spi" else 1]:
        fields = [field for field in register.fields if field.access is Access.READ_WRITE]
        if not fields:
            continue
        for number in (0xFFFF_FFFF, 0xA5C3_5A3C, None):
            values = {field.name: field.reset if number is None else number % (field.most + 1) for field in fields}
            if register.is_range:
                values["first"] = min(values.values())
            value = sum(values[field.name] << field.low for field in fields)
            rig.bench.write(register.address, value)
            assert rig.bench.read(register.address) == value, register.name


def test_a_load_over_the_bus(rig):
    rig.driver.write("SELECT", tile=0)
    rig.driver.load(frame_of(SMALL), tile_id=0)
    rig.expect_programmed(switches(SMALL))
    rig.driver.write("ADDRESS", row=2, column=0)
    assert rig.driver.read("LATCH") == SMALL.to_words(switches(SMALL))[2, 0]
    rig.driver.clear()


def refused(rig, name, **fields):
    """Whether a write is answered with an error, changes nothing, and is told to the host."""
    rig.driver.write("IRQ_STATUS", refused=1)
    assert rig.driver.get("IRQ_STATUS", "refused") == 0
    readable = rig.registers[name].readable
    before = rig.driver.read(name) if readable else None
    with pytest.raises(BusError):
        rig.bench.write(
            rig.registers[name].address,
            sum(fields.get(field.name, 0) << field.low for field in rig.registers[name].fields),
        )
    assert rig.driver.get("IRQ_STATUS", "refused") == 1
    return not readable or rig.driver.read(name) == before


def test_what_does_not_exist_is_refused(rig):
    """SMALL has four rows, three columns and ten branches; there are three tiles."""
    for name, fields in (
        ("COLUMNS", {"first": 2, "last": 1}),
        ("COLUMNS", {"first": 0, "last": 3}),
        ("COLUMNS", {"first": 0, "last": 4}),  # a bit that no field has
        ("CAL_ROWS", {"first": 3, "last": 2}),
        ("CAL_ROWS", {"first": 4, "last": 4}),
        ("CAL_BRANCHES", {"first": 9, "last": 8}),
        ("CAL_BRANCHES", {"first": 0, "last": 10}),
        ("SELECT", {"tile": 3}),
        ("ADDRESS", {"row": 4}),
        ("ADDRESS", {"column": 3}),
        ("INPUT", {"code": 256}),
        ("CONTROL", {"weight": 2}),
    ):
        assert refused(rig, name, **fields), (name, fields)


def test_settings_are_refused_while_a_load_is_under_way(rig):
    settings = [register for register in register_table(rig.config) if register.rests]
    assert {"TIMING", "SETTLE", "AVERAGES", "COLUMNS", "CAL_ROWS", "CAL_BRANCHES", "CAL_CODE", "ADDRESS", "SUBSET0",
            "TILE_ID", "SELECT", "WEIGHT"} == {register.name for register in settings}  # fmt: skip
    rig.driver.command("load")
    for register in settings[:: 3 if rig.config.bus == "spi" else 1]:
        assert refused(rig, register.name, **{field.name: field.reset for field in register.fields})
    assert rig.driver.get("STATUS", "loading") == 1
    rig.driver.write("IRQ_ENABLE", refused=1)
    assert rig.pin("irq") == 1
    rig.driver.write("IRQ_ENABLE")
    rig.driver.clear()
    rig.driver.write("TIMING", setup=1, pulse=1, hold=1)


@pytest.mark.parametrize("bus", ["axi4-lite", "wishbone"])
def test_a_write_is_taken_whole_or_refused(bus):
    with Rig(SMALL, bus=bus, **LEAN) as rig:
        address = {register.name: register.address for register in register_table(rig.config)}
        timing = address["TIMING"]
        rig.bench.write(timing, 0x22_3344)
        for strobes in (0b1001, 0b1010, 0b0000, 0b0111):
            with pytest.raises(BusError):
                rig.bench.write(timing, 0xBB_CCDD, strobes)
            assert rig.bench.read(timing) == 0x22_3344
        rig.bench.write(timing, 0x01_0101)
        with pytest.raises(BusError):
            rig.bench.write(address["CONTROL"], 2, 0b1110)
        assert rig.driver.get("STATUS", "loading") == 0
        rig.driver.command("load")
        with pytest.raises(BusError):
            rig.bench.write(address["STREAM"], 0, 0b0111)
        assert rig.driver.get("STATUS", "loading") == 1
        rig.driver.clear()
        rig.driver.write("STREAM", word=1)
        with pytest.raises(BusError):
            rig.bench.write(address["IRQ_STATUS"], 0xFF, 0b0010)
        assert rig.driver.get("IRQ_STATUS", "fault") == 1
        rig.driver.write("IRQ_STATUS", fault=1)
        assert rig.driver.get("IRQ_STATUS", "fault") == 0
        assert rig.driver.get("ERRORS", "refused") == 1
        rig.driver.write("ERRORS")
        assert rig.driver.read("ERRORS") == 0


def test_error_counters_saturate():
    with Rig(SMALL, **LEAN) as rig:
        for count in range(1, 10):
            rig.driver.write("STREAM", word=1)
            rig.driver.clear()
            assert rig.driver.get("ERRORS", "refused") == min(count, 7)


def axi_trace(top):
    return tuple(
        getattr(top, f"s_axi_{name}")
        for name in ("awvalid", "awready", "wvalid", "wready", "bvalid", "bready", "bresp", "arvalid", "arready",
                     "rvalid", "rready", "rresp", "rdata")
    )  # fmt: skip


@settings(max_examples=6, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 5)] * 3, st.booleans()), min_size=2, max_size=8))
def test_axi_handshakes_for_any_gaps(accesses):
    """Address and data come apart, answers are taken late; writes and reads overlap."""
    with Rig(SMALL, record=axi_trace, **LEAN) as rig:
        top, answers = rig.top, []

        async def mixed(simulation, first, second, late, number, both):
            """Channels in lock step: each valid rises after its gap."""
            simulation.set(top.s_axi_awaddr, 0x20)
            simulation.set(top.s_axi_wdata, 0x100 + number)
            simulation.set(top.s_axi_wstrb, 15)
            simulation.set(top.s_axi_araddr, 0x00)
            pending = {"aw": first, "w": second, **({"ar": late} if both else {})}
            clock, answered = 0, {"b": None, "r": None if both else 0}
            while None in answered.values():
                for channel, gap in pending.items():
                    if clock == gap:
                        simulation.set(getattr(top, f"s_axi_{channel}valid"), 1)
                taken = [
                    channel
                    for channel in pending
                    if simulation.get(getattr(top, f"s_axi_{channel}valid"))
                    and simulation.get(getattr(top, f"s_axi_{channel}ready"))
                ]
                for channel in ("b", "r"):
                    simulation.set(getattr(top, f"s_axi_{channel}ready"), clock % (late + 2) == late)
                came = [
                    channel
                    for channel in ("b", "r")
                    if simulation.get(getattr(top, f"s_axi_{channel}valid")) and clock % (late + 2) == late
                ]
                for channel in came:
                    answered[channel] = simulation.get(getattr(top, f"s_axi_{channel}resp"))
                    if channel == "r":
                        assert simulation.get(top.s_axi_rdata) == IDENTITY
                await simulation.tick()
                for channel in taken:
                    simulation.set(getattr(top, f"s_axi_{channel}valid"), 0)
                clock += 1
            for channel in ("b", "r"):
                simulation.set(getattr(top, f"s_axi_{channel}ready"), 0)
            return answered

        for number, (first, second, late, both) in enumerate(accesses):
            answers.append(
                rig.bench.do(lambda simulation, a=(first, second, late, number, both): mixed(simulation, *a))
            )
            assert rig.driver.read("TILE_ID") == 0x100 + number
        assert all(answer == {"b": 0, "r": 0} for answer in answers)
        check_axi(rig.trace)


def check_axi(trace):
    """Each answer follows its request, one for one, stays until it is taken, and never comes before it."""
    writes = addresses = reads = 0
    before = None
    for sample in trace:
        awv, awr, wv, wr, bv, br, bresp, arv, arr, rv, rr, rresp, rdata = sample
        if before is not None:
            _, _, _, _, was_bv, was_br, was_bresp, _, _, was_rv, was_rr, was_rresp, was_rdata = before
            if was_bv and not was_br:
                assert (bv, bresp) == (1, was_bresp)
            if was_rv and not was_rr:
                assert (rv, rresp, rdata) == (1, was_rresp, was_rdata)
        assert not bv or (writes > 0 and addresses > 0)
        assert not rv or reads > 0
        addresses += (awv & awr) - (bv & br)
        writes += (wv & wr) - (bv & br)
        reads += (arv & arr) - (rv & rr)
        assert 0 <= addresses <= 1
        assert 0 <= writes <= 1
        assert 0 <= reads <= 1
        before = sample
    assert addresses == writes == reads == 0


def test_a_wishbone_master_that_gives_up_gets_no_answer():
    with Rig(SMALL, bus="wishbone", record=lambda top: (top.wb_cyc_i, top.wb_stb_i, top.wb_ack_o, top.wb_err_o),
             **LEAN) as rig:  # fmt: skip

        async def give_up(simulation):
            simulation.set(rig.top.wb_adr_i, 0x20 // 4)
            simulation.set(rig.top.wb_cyc_i, 1)
            simulation.set(rig.top.wb_stb_i, 1)
            await simulation.tick()
            simulation.set(rig.top.wb_cyc_i, 0)
            simulation.set(rig.top.wb_stb_i, 0)

        rig.bench.do(give_up)
        rig.bench.wait(5)
        rig.driver.write("TILE_ID", id=77)
        assert rig.driver.read("TILE_ID") == 77
        answers = [sample for sample in rig.trace if sample[2] or sample[3]]
        assert answers
        assert all(cycle and strobe and ack + error == 1 for cycle, strobe, ack, error in answers)


def test_an_spi_frame_cut_short_does_nothing():
    with Rig(SMALL, bus="spi", **LEAN) as rig:
        rig.driver.write("TILE_ID", id=0x55)

        async def cut(simulation):
            simulation.set(rig.top.spi_cs_n, 0)
            simulation.set(rig.top.spi_mosi, 1)
            for _ in range(39):
                for level in (1, 0):
                    await simulation.tick().repeat(SPI_HALF_PERIOD)
                    simulation.set(rig.top.spi_sck, level)
            await simulation.tick().repeat(SPI_HALF_PERIOD)
            simulation.set(rig.top.spi_cs_n, 1)
            await simulation.tick().repeat(SPI_HALF_PERIOD)

        rig.bench.do(cut)
        assert rig.driver.read("TILE_ID") == 0x55


def test_the_driver_refuses_another_controller():
    with Rig(SMALL, **LEAN) as rig:
        with pytest.raises(InputError, match="CONFIG_HASH must read"):
            Driver(rig.bench, ControllerConfig(geometry=ArrayGeometry(3, 3, 5), **LEAN))
        with pytest.raises(InputError, match="FEATURES must read"):
            Driver(rig.bench, ControllerConfig(geometry=SMALL))
        with pytest.raises(InputError, match=r"TIMING.pulse has 8 bits"):
            rig.driver.write("TIMING", pulse=256)
        assert np.array_equal(rig.pin("programmed"), 0)
