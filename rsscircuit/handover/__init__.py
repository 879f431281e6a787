"""What an engineer is given beside the Verilog of a controller: file lists, benches, registers, driver, constraints.

:func:`hdl_files` writes everything that follows from the configuration and the technology, in a second or two;
:func:`replay_files` adds the recorded pins, which take a simulation of the whole load.
"""

from __future__ import annotations

from rsscircuit.handover.package import Delivery, first_frame, hdl_files, replay_files
from rsscircuit.handover.replay import expected_clocks

__all__ = ["Delivery", "expected_clocks", "first_frame", "hdl_files", "replay_files"]
