"""What a report would miss and is soon computed: the cost; on given inputs, accuracy and what costs it."""

from __future__ import annotations

from pathlib import Path

from rsscircuit import analyses
from rsscircuit.arrays import read_user_array
from rsscircuit.cost import cost
from rsscircuit.design.record import read_record
from rsscircuit.design.results import Results
from rsscircuit.errors import InputError
from rsscircuit.progress import Progress, silent

ATTRIBUTED = 1000  # inputs


def complete(
    directory: str | Path,
    inputs: str | Path | None,
    labels: str | Path | None,
    calibration: str | Path | None = None,
    *,
    progress: Progress = silent,
) -> dict[str, str]:
    """Run what is missing in ``results/``, or is there of another design.

    Args:
        directory: The design.
        inputs: ``.npy`` file; without it only the cost is computed.
        labels: ``.npy`` file of their classes.
        calibration: ``.npy`` file that the converters are laid out for; without it the first of ``inputs``.
        progress: Bars for people.

    Returns:
        Why something cannot be computed, by the name of its result.

    Raises:
        InputError: A file that is not there, or is no array.
    """
    for given, option in ((inputs, "--inputs"), (labels, "--labels"), (calibration, "--calibration")):
        if given is not None:
            read_user_array(given, option, mapped=True)  # refused now, whether it will be needed or not
    results, why = Results.of(directory, read_record(Path(directory))), {}

    def missing(name: str) -> bool:
        return next(results.find(name), None) is None

    if missing("cost"):
        try:
            cost(directory)
        except InputError as error:
            why["cost"] = str(error)
    if inputs is not None:
        if missing("evaluate"):
            analyses.evaluate(directory, inputs, labels, calibration=calibration, progress=progress)
        if missing("attribution"):
            analyses.attribute_errors(
                directory, inputs, labels, limit=ATTRIBUTED, calibration=calibration, progress=progress
            )
    return why
