"""The package of a design's controller, written anew for another bus or variant, or with its recorded pins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from rsscircuit.controller import ArrayGeometry, ControllerConfig
from rsscircuit.design import load, record
from rsscircuit.design.files import write_bytes
from rsscircuit.errors import InputError
from rsscircuit.handover import Delivery, expected_clocks, first_frame, hdl_files, replay_files
from rsscircuit.options import BuildOptions
from rsscircuit.progress import Progress, silent


def hand_over(
    directory: str | Path,
    out: str | Path,
    *,
    replay: bool = False,
    force: bool = False,
    progress: Progress = silent,
    **options: Any,
) -> dict[str, Any]:
    """Write the package of the controller of a design.

    Args:
        directory: The design.
        out: Folder to write.
        replay: With the pins of a simulated load, inference and calibration, and the bench that replays them.
        force: Write into a folder that holds files.
        progress: Bars for people.
        options: Of :class:`~rsscircuit.controller.config.ControllerConfig`, beside its geometry; what is left out or
            None is as in the design.

    Returns:
        ``folder``, ``files`` (how many), ``bytes`` and ``configuration`` (bus, bits of the converters, and
            the options).

    Raises:
        RsscircuitError: Anything the user can mend.
    """
    folder, source = Path(out), Path(directory)
    if folder.is_file():
        raise InputError("a file is there", where="--out", got=str(out), remedy="name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise InputError("the folder holds files", where="--out", got=str(out), remedy="add --force to write into it")
    design = load(source)
    geometry = ArrayGeometry(**record.read_record(source)["controller"])
    options = {name: value for name, value in options.items() if value is not None}
    if "weight_bits" in options and not options.get("weight_map"):
        raise InputError("weight codes need a map", where="--weight-bits", got=options["weight_bits"],
                         remedy="add --weight-map")  # fmt: skip
    if options.get("fuses"):
        if options.get("array") != "ports":
            raise InputError(
                "fuses are in macros: no memory on the chip holds them",
                where="--array",
                got=str(options.get("array", "memory")),
                remedy="add --array ports",
            )
        options |= {"editing": False, "calibration": False}
    built = ControllerConfig.of_design(geometry, BuildOptions.kept(design.options).bus, design.technology.readout)
    delivery = Delivery(
        config=replace(built, **options),
        frame=first_frame(source, [layer.label for layer in design.layers], geometry),
        nominal_ohm=design.bank.nominal_ohm,
        technology=design.technology,
    )
    files = hdl_files(delivery)
    if replay:
        with progress("clocks", expected_clocks(delivery.config)) as advance:
            files |= replay_files(delivery, advance)
    for name, content in files.items():
        write_bytes(folder / name, content)
    return {
        "folder": str(out),
        "files": len(files),
        "bytes": sum(map(len, files.values())),
        "configuration": {name: getattr(delivery.config, name) for name in ("bus", "dac_bits", "adc_bits")} | options,
    }
