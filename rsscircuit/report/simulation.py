"""What a simulated tile is told as: a few figures, what was in, and where the rest lies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rsscircuit.quantities import engineering
from rsscircuit.report.tables import percent, print_lines, print_table

MOST_COLUMNS = 8  # whose currents are printed
MOST_CASES = 4
NOMINAL_CELSIUS = 27.0


def show_simulation(result: Mapping[str, Any], directory: str | Path) -> None:
    """A result of :func:`rsscircuit.simulation.simulate_tile`."""
    _SHOWN[result["analysis"]](result)
    print_lines([*_what_was_in(result), *_where(result, Path(directory))])


def _operating_points(result: Mapping[str, Any]) -> None:
    currents = result["ampere"]
    if len(currents[0]) <= MOST_COLUMNS:
        shown = currents[:MOST_CASES]
        rows = [(str(j), *(engineering(case[j], "A", 6) for case in shown)) for j in range(len(currents[0]))]
        print_table(("column", *(f"case {case}" for case in range(len(shown)))), rows)
    rms = engineering(result["rms_ampere"], "A")
    closed = "sum G v, without voltage coefficients, wires or leakage"
    difference = (
        f"difference: {percent(result['relative_difference'])} rms over rms, worst "
        f"{percent(result['worst_difference'])} of the largest current, from {closed}"
    )
    print_lines(
        [
            f"currents of {result['cases']} cases x {len(currents[0])} columns: {rms} rms",
            closed if result["engine"] == "ideal" else difference,
        ]
    )


def _transient(result: Mapping[str, Any]) -> None:
    settling, estimate = np.array(result["settling_second"]), np.array(result["estimate_second"])
    slowest = np.argmax(settling, axis=0)
    columns = np.arange(settling.shape[1])
    chosen = columns[np.argsort(-settling.max(axis=0), kind="stable")][:MOST_COLUMNS]
    rows = [
        (
            str(j),
            engineering(settling[slowest[j], j], "s"),
            engineering(estimate[slowest[j], j], "s"),
            f"{result['noise_gain'][j]:.3g}",
            engineering(result["line_second"][j], "s"),
            f"{result['quality'][j]:.2f}",
        )
        for j in chosen.tolist()
    ]
    print_table(("column", "settled", "estimate", "1 + R_f sum G", "tau", "Q"), rows)
    bits = result["adc_bits"]
    print_lines(
        [
            f"settled: to half a step of {bits} bits, {engineering(result['half_step_volt'], 'V')} of "
            f"{engineering(result['full_scale_volt'], 'V')}, the largest output of these cases; the slowest case",
            "estimate: ln(swing / half a step) ((1 + R_f sum G) / (2 pi GBW) + tau), one pole; a column whose Q is "
            "beyond 0.5 rings",
            f"estimate of a full-scale step: {engineering(result['full_scale_estimate_second'], 's')}",
        ]
    )


def _ac(result: Mapping[str, Any]) -> None:
    corners = np.array([[np.nan if f is None else f for f in case] for case in result["corner_hertz"]])
    known = np.isfinite(corners).any(axis=0)
    least = np.where(known, np.nanmin(np.where(np.isfinite(corners), corners, np.inf), axis=0), np.nan)
    chosen = np.argsort(least, kind="stable")[:MOST_COLUMNS]
    rows = [
        (
            str(j),
            engineering(least[j], "Hz") if known[j] else "no answer",
            engineering(result["estimate_hertz"][j], "Hz"),
            f"{result['noise_gain'][j]:.3g}",
            f"{result['quality'][j]:.2f}",
        )
        for j in chosen.tolist()
    ]
    print_table(("column", "-3 dB", "GBW / (1 + R_f sum G)", "1 + R_f sum G", "Q"), rows)
    print_lines([f"the inputs are amplitudes; the least of {result['cases']} cases; Q beyond 0.5 raises the corner"])


def _noise(result: Mapping[str, Any]) -> None:
    low, high = (engineering(f, "Hz") for f in result["band_hertz"])
    rows = [
        ("density, V/sqrt(Hz)", f"{result['density']:.4g}", f"{result['closed_form_density']:.4g}"),
        (
            f"rms, {low} to {high}",
            engineering(result["rms_volt"], "V", 4),
            engineering(result["closed_form_rms_volt"], "V", 4),
        ),
    ]
    print_table((f"output of column {result['column']}", "simulated", "closed form"), rows)
    ratio = 20 * np.log10(result["signal_to_noise"]) if result["signal_to_noise"] else -np.inf
    bits = "-" if result["bits"] is None else f"{result['bits']:.1f}"
    print_lines(
        [
            "closed form: R_f^2 4kT (sum G + 1/R_f) + (e_n (1 + R_f sum G))^2 over the bandwidth "
            f"{engineering(result['bandwidth_hertz'], 'Hz')}, without capacitances",
            f"full scale, every row at {result['read_volt']:g} V: {engineering(result['full_scale_volt'], 'V')}; over "
            f"the rms noise {ratio:.1f} dB, as much as the rounding of {bits} bits",
        ]
    )


_SHOWN = {"op": _operating_points, "transient": _transient, "ac": _ac, "noise": _noise}


def _what_was_in(result: Mapping[str, Any]) -> Iterator[str]:
    options, conditions = result["options"], result["conditions"]
    if result["analysis"] in ("op", "transient") and result["largest_volt"] > 1.001 * result["read_volt"]:
        reach = f"inputs reach {result['largest_volt']:g} V; the model holds up to {result['read_volt']:g} V"
        yield f"WARNING: {reach}"
    wires = "with wires and leakage" if result["wires"] else "ideal wires, no leakage"
    yield f"{result['version']}, layer {result['layer']}, tile {result['tile']}: {options['switch']} switches, {wires}"
    here = f"{conditions['celsius']:g} C, supply {conditions['supply_volt']:g} V"
    if result["analysis"] != "op":
        tia = result["amplifier"]
        yield (
            f"{here}; one resistor a bank, capacitances of lines and resistors; amplifiers of gain {tia['gain']:g}, "
            f"GBW {engineering(tia['bandwidth_hertz'], 'Hz')}, feedback {engineering(result['feedback_ohm'], 'Ohm', 4)}"
        )
    elif conditions["celsius"] != NOMINAL_CELSIUS or options["supply"] is not None:
        yield f"{here}; currents are ratios to a feedback resistor of the same branches, in the amperes of 27 C"
    else:
        yield here


def _where(result: Mapping[str, Any], directory: Path) -> Iterator[str]:
    if result["deck"] is not None:
        yield f"deck:   {directory / result['deck']}"
    yield f"result: {directory / 'results' / Path(result['arrays']).with_suffix('.json')}, arrays in {result['arrays']}"
