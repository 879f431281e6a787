"""Mixed-signal sign-off: the emitted Verilog with the emitted bitstream programs the emitted netlist.

The files of a design are taken as they lie on disk. Icarus Verilog runs the controller, which loads a tile's frame; its
latches are read from that simulation, set the gates of the tile's netlist, and ngspice gives the currents.
"""

from rsscircuit.signoff.closed_loop import run_closed_loop
from rsscircuit.signoff.run import sign_off
from rsscircuit.signoff.waveform import run_transient

__all__ = ["run_closed_loop", "run_transient", "sign_off"]
