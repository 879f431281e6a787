"""Timing constraints for an ASIC flow, and starting points for two FPGA flows."""

from __future__ import annotations

from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.export import TOP, Port, ports

PERIOD_NS = 10.0
IO_SHARE = 0.3
ICE40_MEGAHERTZ = 70
_SYNCHRONISED = {
    "rst": "asserted at once, released by two flops",
    "kill": "clears oe without a clock; its end passes two flops",
    "adc_acknowledge": "passes two flops",
    "adc_code": "stable while adc_acknowledge is high, and taken two clocks behind it",
    "spi_sck": "passes two flops",
    "spi_cs_n": "passes two flops",
    "spi_mosi": "passes two flops",
}
"""Inputs that need not be in step with the clock, and why; their delays only keep them from looking forgotten."""


def asynchronous(config: ControllerConfig) -> list[Port]:
    """The inputs that may change at any time."""
    return [port for port in ports(config) if port.name in _SYNCHRONISED]


def sdc(config: ControllerConfig) -> str:
    """Clock, delays at the pins, and false paths, in SDC 2.0."""
    inputs = [port for port in ports(config) if not port.is_output and port.name != "clk"]
    outputs = [port for port in ports(config) if port.is_output]
    false_paths = "".join(
        f"# {_SYNCHRONISED[port.name]}\nset_false_path -from [get_ports {_pattern(port)}]\n"
        for port in asynchronous(config)
    )
    return (
        f"# {TOP}: one clock. The period and the share of it that is spent outside ({IO_SHARE:.0%}) are assumed.\n"
        f"set period {PERIOD_NS}\n"
        f"set outside [expr {{{IO_SHARE} * $period}}]\n"
        "create_clock -name clk -period $period [get_ports clk]\n"
        "set_clock_uncertainty 0.1 [get_clocks clk]\n\n"
        f"set_input_delay -clock clk $outside [get_ports {_list(inputs)}]\n"
        f"set_output_delay -clock clk $outside [get_ports {_list(outputs)}]\n\n"
        f"{false_paths}"
    )


def _pattern(port: Port) -> str:
    return port.name if port.width == 1 else f"{{{port.name}[*]}}"


def _list(of: list[Port]) -> str:
    return "{" + " ".join(port.name if port.width == 1 else f"{port.name}[*]" for port in of) + "}"


def lpf(config: ControllerConfig) -> str:
    """For nextpnr-ecp5: the clock, and a line a pin to be filled in."""
    places = "".join(f'# LOCATE COMP "{bit}" SITE "?"; IOBUF PORT "{bit}" IO_TYPE=LVCMOS33;\n' for bit in _bits(config))
    return (
        f'FREQUENCY PORT "clk" {1000 / PERIOD_NS:g} MHZ;\n'
        "# Fill in the sites of the board; a wide bus is usually joined to a master inside the device instead.\n"
        f"{places}"
    )


def pcf(config: ControllerConfig) -> str:
    """For nextpnr-ice40: the clock, and a line a pin to be filled in."""
    places = "".join(f"# set_io {bit} ?\n" for bit in _bits(config))
    return (
        f"set_frequency clk {ICE40_MEGAHERTZ}\n"
        "# Fill in the pins of the board; a wide bus is usually joined to a master inside the device instead.\n"
        f"{places}"
    )


def _bits(config: ControllerConfig) -> list[str]:
    return [
        port.name if port.width == 1 else f"{port.name}[{bit}]" for port in ports(config) for bit in range(port.width)
    ]
