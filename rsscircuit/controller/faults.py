"""The reasons for which the controller refuses to drive the switches."""

from __future__ import annotations

from enum import IntEnum


class FaultCode(IntEnum):
    """What the register ``FAULT`` reads; 1 to 5 are the header words in their order."""

    NONE = 0
    MAGIC = 1
    VERSION = 2
    CONFIGURATION = 3
    TILE = 4
    LENGTH = 5
    CHECKSUM = 6
    TIMEOUT = 7
    READ_BACK = 8
    KILLED = 9
    UNEXPECTED = 10
    CONVERTER = 11


FAULT_CODE_BITS = 4
