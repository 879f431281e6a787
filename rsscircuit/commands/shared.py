"""What the commands share: arguments that many take, exit statuses, and how results leave for scripts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import click

from rsscircuit.progress import Progress, silent
from rsscircuit.report.bars import bar

LOST_TRIALS = CRASHED = 3  # exit status
NOT_SIGNED_OFF = 1  # exit status

directory_argument = click.argument("directory", metavar="DIR")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts, and no bars.")
layer_option = click.option("--layer", required=True, help="Layer, by its ONNX name or its file name.")
tile_option = click.option("--tile", required=True, type=int, help="Tile of the layer, from 0.")


def option(name: str, *names: str, **settings: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """An option whose default is shown in its help."""
    return click.option(name, *names, show_default=settings.get("default") is not None, **settings)


def _together(*options: Callable[[Callable[..., None]], Callable[..., None]]) -> Callable[[Callable[..., None]], Any]:
    """Several options as one, in this order."""

    def add(function: Callable[..., None]) -> Callable[..., None]:
        for each in reversed(options):
            function = each(function)
        return function

    return add


data_options = _together(
    option("--inputs", required=True, metavar="X.npy", help="[N, ...], as the network takes it."),
    option("--labels", metavar="Y.npy", help="Whole numbers [N]; without them there is no accuracy."),
    option("--limit", type=int, help="Only the first so many inputs."),
)
calibration_option = option(
    "--calibration", metavar="X.npy", help="Inputs that the converters are laid out for; else the first 256."
)
converter_options = _together(
    calibration_option,
    option("--dac-bits", type=int, help="Converters at the rows; else the technology's."),
    option("--adc-bits", type=int, help="Converters at the columns; else the technology's."),
    option("--adc-percentile", type=float, help="Of a layer's column currents, full scale; else the technology's."),
)
stuck_options = _together(
    option("--stuck-open", type=float, default=0.0, metavar="SHARE", help="Switches stuck since programming."),
    option("--stuck-closed", type=float, default=0.0, metavar="SHARE", help="The same."),
)


def bars(as_json: bool) -> Progress:
    """Progress bars, or none beside JSON."""
    return silent if as_json else bar


def print_json(data: Mapping[str, Any]) -> None:
    """Print a result for scripts."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))
