"""The state machines of the controller, for the datasheet: state, condition, next state.

A fault, ``clear`` or a kill takes every machine but the bus's to IDLE, where none of its flops is high; that
arrow is left out. Nothing but a reset ends the sensing of fuses.
"""

from __future__ import annotations

Arrow = tuple[str, str, str]

MACHINES: dict[str, tuple[Arrow, ...]] = {
    "loader": (
        ("IDLE", "load", "awaiting"),
        ("awaiting", "word", "absorbing"),
        ("awaiting", "time is up, or header word is wrong, fault", "IDLE"),
        ("absorbing", "header word taken in", "awaiting"),
        ("absorbing", "header word or checksum is wrong, fault", "IDLE"),
        ("absorbing", "data word taken in", "writing"),
        ("absorbing", "checksum taken in", "comparing"),
        ("writing", "written", "awaiting"),
        ("comparing", "", "checking"),
        ("checking", "frame is right", "repeating"),
        ("repeating", "header taken in again", "fetching"),
        ("fetching", "word is there", "reading"),
        ("reading", "last word taken in", "comparing"),
        ("checking", "CRC of what was read matches, programmed", "IDLE"),
        ("checking", "else, fault", "IDLE"),
    ),
    "fuses": (
        ("RESET", "no kill, sense rises", "SENSE"),
        ("SENSE", "sense_cycles clocks, sense falls", "REST"),
        ("REST", "", "IDLE"),
        ("IDLE", "load", "READ"),
        ("READ", "word is there", "ABSORB"),
        ("ABSORB", "word taken in", "READ"),
        ("ABSORB", "last word taken in", "VERIFY"),
        ("VERIFY", "CRC is that of FUSE_CRC, programmed", "IDLE"),
        ("VERIFY", "else, fault", "IDLE"),
    ),
    "array_access": (
        ("IDLE", "write", "setting"),
        ("IDLE", "read", "reading"),
        ("setting", "setup clocks, we rises", "pulsing"),
        ("pulsing", "pulse clocks, we falls", "holding"),
        ("holding", "hold clocks", "written"),
        ("written", "", "IDLE"),
        ("reading", "", "arriving"),
        ("arriving", "", "fetch"),
        ("fetch", "", "IDLE"),
    ),
    "sequencer": (
        ("IDLE", "infer", "fetching"),
        ("fetching", "", "writing"),
        ("writing", "further row", "fetching"),
        ("writing", "last row", "updating"),
        ("updating", "", "capturing"),
        ("capturing", "columns are read", "IDLE"),
    ),
    "capture": (
        ("IDLE", "start", "settling"),
        ("settling", "settle clocks, request rises", "requesting"),
        ("requesting", "acknowledge rises", "releasing"),
        ("requesting", "time is up, fault", "IDLE"),
        ("releasing", "acknowledge falls, further conversion", "requesting"),
        ("releasing", "acknowledge falls, last conversion", "pushing"),
        ("releasing", "time is up, fault", "IDLE"),
        ("pushing", "further column", "requesting"),
        ("pushing", "last column", "committing"),
        ("committing", "a buffer is free", "IDLE"),
    ),
    "calibrator": (
        ("IDLE", "calibrate", "erasing"),
        ("erasing", "last row is open", "setting"),
        ("setting", "", "updating"),
        ("updating", "", "reading"),
        ("reading", "further branch", "closing"),
        ("reading", "last branch", "opening"),
        ("closing", "row is written", "reading"),
        ("opening", "further row", "setting"),
        ("opening", "last row", "ending"),
        ("ending", "", "IDLE"),
    ),
}


def diagram(machine: str) -> str:
    """A machine as a Mermaid state diagram; its first arrow begins in the state after a reset."""
    arrows = "".join(
        f"    {here} --> {there}{f' : {when}' if when else ''}\n" for here, when, there in MACHINES[machine]
    )
    return f"```mermaid\nstateDiagram-v2\n    [*] --> {MACHINES[machine][0][0]}\n{arrows}```\n"
