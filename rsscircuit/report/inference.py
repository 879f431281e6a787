"""How a chip answers, as tables for people."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from rsscircuit.errors import InputError
from rsscircuit.report.tables import percent, print_lines, print_table

WORTH_A_WARNING = 1e-3
ENGINES = ("nodal", "ngspice")
_NAMES = {
    "trained": "trained network",
    "mapped": "mapped design",
    "with_parasitics": "with parasitics",
    "chip": "chip, converters and all",
}
_ERROR = "output error: rms of the error over rms of the trained network's output"


def check_choices(engine: str, given: Collection[str]) -> None:
    """Refuse choices that exclude each other.

    Args:
        engine: The engine.
        given: Options that were given, of --limit, --attribute, --workers and --images.

    Raises:
        InputError: No such engine, or an option that it does not take.
    """
    if engine not in ENGINES:
        raise InputError("no such engine", where="--engine", got=engine, remedy=f"choose from {', '.join(ENGINES)}")
    excluded = {"--limit", "--attribute", "--workers"} if engine == "ngspice" else {"--images"}
    for name in sorted(excluded.intersection(given)):
        remedy = "leave it out" if engine == "ngspice" else "add --engine ngspice, or take --limit"
        raise InputError(f"--engine {engine} does not take it", where=name, remedy=remedy)


def show_evaluation(result: Mapping[str, Any]) -> None:
    """Accuracy, agreement and output error, a row a variant."""
    rows = _variants(result)
    if "mapped" not in result["agreement"]:
        rows[-1] = ("chip, with what is at work", *rows[-1][1:])
    if without := result.get("without_corners"):
        rows += [(f"{name}, chosen without corners", *figures) for name, *figures in _variants(without)[1:]]
    print_table(("", "accuracy", "agreement with trained", "output error"), rows)
    print_lines([f"{result['images']} inputs; {_ERROR}", *operation_lines(result), *_range_lines(result)])


def _variants(result: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Name, accuracy, agreement and output error of the trained network and of every variant that there is."""
    rows: list[tuple[str, ...]] = []
    for key, name in _NAMES.items():
        agreement, error = result["agreement"].get(key), result["output_error"].get(key)
        if key != "trained" and agreement is None:
            continue
        rows.append(
            (
                name,
                percent(result["accuracy"][key], 4) if key in result["accuracy"] else "-",
                "" if agreement is None else percent(agreement, 5),
                "" if error is None else percent(error),
            )
        )
    return rows


def show_attribution(result: Mapping[str, Any]) -> None:
    """What each effect costs, a row an effect in the order in which they are switched on."""
    total = sum(each["squared_error"] for each in result["contributions"])
    rows = []
    for each in result["contributions"]:
        alone, together = each["alone"], each["together"]
        rows.append(
            (
                each["effect"],
                percent(alone["output_error"]),
                percent(alone["agreement"], 5),
                percent(together["output_error"]),
                percent(together["agreement"], 5),
                percent(each["squared_error"] / total, 3) if total else "-",
            )
        )
    whole = result["output_error"]["chip"], result["agreement"]["chip"]
    rows.append(("all of them", "", "", percent(whole[0]), percent(whole[1], 5), "100 %" if total else "-"))
    heads = (
        "effect", "alone:\noutput error", "\nagreement", "with those above:\noutput error", "\nagreement",
        "adds to the\nsquared error",
    )  # fmt: skip
    print_table(heads, rows)
    lines = [f"{result['images']} inputs; {_ERROR}"]
    if result["accuracy"]:
        accuracy = result["accuracy"]
        lines.append(f"accuracy: trained {percent(accuracy['trained'], 4)}, chip {percent(accuracy['chip'], 4)}")
    print_lines([*lines, *operation_lines(result), *_range_lines(result)])


def show_spice(result: Mapping[str, Any]) -> None:
    """Chosen inputs in ngspice: their classes, and how far the currents are from the fast path's."""
    classes = result["classes"]
    names = [name for name in ("wanted", "trained", "fast", "ngspice") if name in classes]
    heads = {"wanted": "label", "trained": "trained", "fast": "fast path", "ngspice": "ngspice"}
    rows = [
        (str(image), *(str(classes[name][place]) for name in names)) for place, image in enumerate(result["images"])
    ]
    print_table(("input", *(heads[name] for name in names)), rows)
    layers = [(name, str(result["vectors"][name]), f"{worst:.1e}") for name, worst in result["layers"].items()]
    print_table(("layer", "operating points", "largest difference"), layers)
    print_lines(
        [
            f"outputs of {result['version']} less those of the fast path: {result['difference']:.1e} of the trained "
            "outputs (rms over rms)",
            "largest difference: of a column current, over the rms current of its row of tiles",
            *operation_lines(result),
        ]
    )


def effects_line(result: Mapping[str, Any]) -> str:
    """Which effects were at work, and which were idle."""
    idle = ", ".join(f"{name} ({why})" for name, why in result["idle"].items())
    return f"at work: {', '.join(result['effects']) or 'nothing'}" + (f"; idle: {idle}" if idle else "")


def readout_words(readout: Mapping[str, Any]) -> str:
    """The converters."""
    return (
        f"{readout['dac_bits']:g}-bit DAC, {readout['adc_bits']:g}-bit ADC; ADC full scale: percentile "
        f"{readout['adc_percentile']:g} of a layer's column currents over {readout['laid_out_for']}"
    )


def operation_lines(result: Mapping[str, Any]) -> list[str]:
    """What was at work, in a few lines."""
    readout, conditions = result["readout"], result["conditions"]
    supply = "" if conditions["supply_volt"] is None else f"{conditions['supply_volt']:g} V, "
    lines = [
        effects_line(result),
        f"{conditions['celsius']:g} C, {supply}{conditions['years']:g} years, {readout_words(readout)}",
    ]
    saturated = {name: share for name, share in result.get("saturated", {}).items() if share > 0}
    if saturated:
        lines.append("ADC saturated: " + ", ".join(f"{name} {percent(share, 2)}" for name, share in saturated.items()))
    return lines


def _range_lines(result: Mapping[str, Any]) -> list[str]:
    """Activations beyond the input range."""
    beyond = {name: share for name, share in result["beyond_range"].items() if share > 0}
    if not beyond:
        return []
    lines = ["beyond the input range: " + ", ".join(f"{name} {percent(share, 2)}" for name, share in beyond.items())]
    if any(share > WORTH_A_WARNING for share in beyond.values()):
        lines += [
            "WARNING: these inputs go beyond the range that the design was built for. A DAC cuts them off; without one",
            "the switch model does not hold. Scale them as for training, or build with --calibration like them.",
        ]
    return lines
