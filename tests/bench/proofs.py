"""Every proof of the controller at full size, every situation and every mutant, as a table.

python tests/bench/proofs.py
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from formal_bench import emitted, prove, simulate
from formal_mutants import BUS_MUTANTS, MUTANTS

from rsscircuit.controller import ArrayGeometry, ControllerConfig
from rsscircuit.controller.proofs import PROPERTIES, Task, proofs
from rsscircuit.report.tables import print_lines

FULL = ArrayGeometry(64, 64, 16)


def main() -> None:
    """Prove, then break; only break if properties are named."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        done = set()
        for bus in () if sys.argv[1:] else ("axi4-lite", "wishbone", "spi"):
            config = ControllerConfig(geometry=FULL, bus=bus)
            tasks = [Task(name=name) for name in proofs(config) if name not in done]
            done |= {task.name for task in tasks}
            for name, (verdict, failed, _, seconds) in prove(folder / bus, emitted(config), config, tasks).items():
                print_lines([f"{verdict:8} {seconds:3} s  {name:12} {bus} {' '.join(sorted(failed))}"])
        for name, entry in PROPERTIES.items():
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            began = time.perf_counter()
            found = _broken(name, folder / name)
            print_lines([f"{found:20} {time.perf_counter() - began:5.1f} s  {name}: {entry.claim}"])


def _broken(name: str, folder: Path) -> str:
    """How the mutant of a property is found out."""
    if name in BUS_MUTANTS:
        config, depth, change = BUS_MUTANTS[name]
        mode = {"mode": "bmc", "depth": depth, "only": name} if depth else {}
        task = Task(name=PROPERTIES[name].proof, **mode)
        verdict, failed, _, _ = prove(folder, emitted(config, change), config, [task])[task.name]
        return f"broken ({'solver' if depth else 'induction'})" if name in failed else f"NOT BROKEN {verdict}"
    mutant = MUTANTS[name]
    verilog = emitted(mutant.config, *mutant.edits)
    failed, _ = simulate(folder, verilog, mutant.config, mutant.host, kill_at=mutant.kill_at)
    return "broken (simulation)" if name in failed else "NOT BROKEN"


if __name__ == "__main__":
    main()
