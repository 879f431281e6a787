"""The report of a design: one HTML page from what its directory holds, its figures as SVG and their data as CSV.

A section is a function from the facts of the design to values without HTML (:mod:`.section`), which the template lays
out.
"""

from rsscircuit.report.page.design_space import read_exploration
from rsscircuit.report.page.facts import Facts
from rsscircuit.report.page.write import Written, write_report

__all__ = ["Facts", "Written", "read_exploration", "write_report"]
