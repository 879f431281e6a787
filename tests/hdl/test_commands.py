"""Commands that come together: a case that the proofs found."""

import numpy as np
import pytest
from controller_bench import Rig, frame_of, switches

from rsscircuit.controller.driver import BusError
from rsscircuit.controller.geometry import ArrayGeometry

TINY = ArrayGeometry(2, 1, 1)
ENGINES = ("loader", "sequencer", "calibrator", "editor")


def engines(top):
    """How many engines are at work, and how the array is driven and written."""
    return tuple(getattr(top.controller.arbiter, name).busy for name in ENGINES)


@pytest.mark.parametrize(
    "commands", [("load", "edit"), ("load", "calibrate"), ("calibrate", "edit"), ("load", "infer"), ("infer", "edit")]
)
def test_several_commands_at_once_are_refused(commands):
    with Rig(TINY, record=engines) as rig:
        rig.driver.load(frame_of(TINY))
        rig.driver.send_input(np.zeros(2, dtype=np.int64))
        rig.trace.clear()
        with pytest.raises(BusError):
            rig.driver.write("CONTROL", **dict.fromkeys(commands, 1))
        rig.bench.wait(40)
        assert not np.any(rig.trace)
        rig.expect_programmed(switches(TINY))
