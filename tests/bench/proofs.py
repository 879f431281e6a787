"""Every proof of the controller at full size, every situation and every mutant, as a table.

python tests/bench/proofs.py

Exit status 1 where one does not hold, takes over a minute of CPU time, or a mutant is not found out.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from formal_bench import emitted, prove, simulate
from formal_mutants import BUS_MUTANTS, FUSE_MUTANTS, MUTANTS, Mutant

from rsscircuit.controller import ArrayGeometry, ControllerConfig
from rsscircuit.controller.proofs import PROPERTIES, Task, proofs
from rsscircuit.report.tables import print_lines

FULL = ArrayGeometry(64, 64, 16)
MOST_SECONDS = 60
CONTROLLERS = {bus: ControllerConfig(geometry=FULL, bus=bus) for bus in ("axi4-lite", "wishbone", "spi")} | {
    "fuses": ControllerConfig(geometry=FULL, fuses=True, editing=False, calibration=False)
}


def main() -> int:
    """Prove, then break; only break if properties are named."""
    bad = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        done = set()
        for kind, config in () if sys.argv[1:] else CONTROLLERS.items():
            tasks = [Task(name=name) for name in proofs(config) if config.fuses or name not in done]
            done |= {task.name for task in tasks}
            for name, (verdict, failed, _, seconds) in prove(folder / kind, emitted(config), config, tasks).items():
                print_lines([f"{verdict:8} {seconds:3} s  {name:12} {kind} {' '.join(sorted(failed))}"])
                bad += verdict != "PASS" or seconds > MOST_SECONDS
        for kind, mutants in (("", MUTANTS | BUS_MUTANTS), ("fuses, ", FUSE_MUTANTS)):
            for name, mutant in mutants.items():
                if sys.argv[1:] and name not in sys.argv[1:]:
                    continue
                began = time.perf_counter()
                found = _broken(name, mutant, folder / f"{kind}{name}")
                seconds = time.perf_counter() - began
                print_lines([f"{found:20} {seconds:5.1f} s  {kind}{name}: {PROPERTIES[name].claim}"])
                bad += found.startswith("NOT")
    return min(bad, 1)


def _broken(name: str, mutant: Any, folder: Path) -> str:
    """How the mutant of a property is found out."""
    if not isinstance(mutant, Mutant):
        config, depth, change = mutant
        mode = {"mode": "bmc", "depth": depth, "only": name} if depth else {}
        task = Task(name=PROPERTIES[name].proof, **mode)
        verdict, failed, _, _ = prove(folder, emitted(config, change), config, [task])[task.name]
        return f"broken ({'solver' if depth else 'induction'})" if name in failed else f"NOT BROKEN {verdict}"
    verilog = emitted(mutant.config, *mutant.edits)
    failed, _ = simulate(folder, verilog, mutant.config, mutant.host, kill_at=mutant.kill_at)
    return "broken (simulation)" if name in failed else "NOT BROKEN"


if __name__ == "__main__":
    sys.exit(main())
