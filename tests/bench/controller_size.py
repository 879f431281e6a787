"""The figures of a controller's size in rsscircuit/cost/figures.toml, from two synthesised controllers.

python tests/bench/controller_size.py
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from controller_size import size

from rsscircuit.controller import ArrayGeometry
from rsscircuit.cost.figures import load_figures
from rsscircuit.cost.model import Plan
from rsscircuit.report.tables import print_lines
from rsscircuit.technology import DEFAULT, load_technology

SMALL, LARGE = ArrayGeometry(16, 16, 8), ArrayGeometry(64, 64, 14)


def main() -> None:
    """Count both, and take the buffers' share from their difference."""
    technology = load_technology(DEFAULT)
    plan = Plan(
        technology=technology,
        nominal_ohm=technology.resistor.unit_ohm,
        geometry=SMALL,
        figures=load_figures(technology),
    )
    bits = [replace(plan, geometry=geometry).buffer_bits() for geometry in (SMALL, LARGE)]
    with tempfile.TemporaryDirectory() as folder:
        few, many = (size(geometry, Path(folder)) for geometry in (SMALL, LARGE))
    share = (many.gates - few.gates) / (bits[1] - bits[0])
    print_lines(
        [
            f"control_flops         {many.flops - bits[1]:g} ({few.flops - bits[0]:g} at 16 x 16 x 8)",
            f"control_gates         {many.gates - share * bits[1]:.0f}",
            f"gates_per_buffer_bit  {share:.3f}",
        ]
    )


if __name__ == "__main__":
    main()
