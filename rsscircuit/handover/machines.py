"""The state machines of the controller, for the datasheet: state, condition, next state.

A fault, ``clear`` or a kill takes every machine but the bus's to IDLE; that arrow is left out.
"""

from __future__ import annotations

Arrow = tuple[str, str, str]

MACHINES: dict[str, tuple[Arrow, ...]] = {
    "loader": (
        ("IDLE", "load", "AWAIT"),
        ("AWAIT", "word", "ABSORB"),
        ("AWAIT", "time is up, fault", "IDLE"),
        ("ABSORB", "header word taken in", "AWAIT"),
        ("ABSORB", "header word is wrong, fault", "IDLE"),
        ("ABSORB", "data word taken in", "WRITE"),
        ("ABSORB", "data word taken in and written", "AWAIT"),
        ("ABSORB", "checksum taken in", "COMPARE"),
        ("WRITE", "written", "AWAIT"),
        ("COMPARE", "", "CHECKSUM"),
        ("CHECKSUM", "CRC matches", "READ"),
        ("CHECKSUM", "else, fault", "IDLE"),
        ("READ", "word is there", "READ_ABSORB"),
        ("READ_ABSORB", "last word taken in", "COMPARE_AGAIN"),
        ("COMPARE_AGAIN", "", "VERIFY"),
        ("VERIFY", "programmed, or fault", "IDLE"),
    ),
    "array_access": (
        ("IDLE", "write", "SETUP"),
        ("IDLE", "read", "READ"),
        ("SETUP", "setup clocks, we rises", "PULSE"),
        ("PULSE", "pulse clocks, we falls", "HOLD"),
        ("HOLD", "hold clocks", "IDLE"),
        ("READ", "", "FETCH"),
        ("FETCH", "", "IDLE"),
    ),
    "sequencer": (
        ("IDLE", "infer", "FETCH"),
        ("FETCH", "", "WRITE"),
        ("WRITE", "further row", "FETCH"),
        ("WRITE", "last row", "UPDATE"),
        ("UPDATE", "", "CAPTURE"),
        ("CAPTURE", "columns are read", "IDLE"),
    ),
    "capture": (
        ("IDLE", "start", "SETTLE"),
        ("SETTLE", "settle clocks, request rises", "REQUEST"),
        ("REQUEST", "acknowledge rises", "RELEASE"),
        ("REQUEST", "time is up, fault", "IDLE"),
        ("RELEASE", "acknowledge falls, further conversion", "REQUEST"),
        ("RELEASE", "acknowledge falls, last conversion", "PUSH"),
        ("RELEASE", "time is up, fault", "IDLE"),
        ("PUSH", "further column", "REQUEST"),
        ("PUSH", "last column", "COMMIT"),
        ("COMMIT", "a buffer is free", "IDLE"),
    ),
    "calibrator": (
        ("IDLE", "calibrate", "ERASE"),
        ("ERASE", "last row is open", "INPUT"),
        ("INPUT", "", "UPDATE"),
        ("UPDATE", "", "MEASURE"),
        ("MEASURE", "", "READING"),
        ("READING", "further branch", "CLOSE"),
        ("READING", "last branch", "OPEN"),
        ("CLOSE", "row is written", "MEASURE"),
        ("OPEN", "further row", "INPUT"),
        ("OPEN", "last row", "FINISH"),
        ("FINISH", "", "IDLE"),
    ),
}


def diagram(machine: str) -> str:
    """A machine as a Mermaid state diagram; ``IDLE`` is its state after a reset."""
    arrows = "".join(
        f"    {here} --> {there}{f' : {when}' if when else ''}\n" for here, when, there in MACHINES[machine]
    )
    return f"```mermaid\nstateDiagram-v2\n    [*] --> IDLE\n{arrows}```\n"
