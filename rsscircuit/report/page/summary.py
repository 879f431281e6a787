"""The figures that a reader wants first, and what must not be overlooked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from rsscircuit.inference import Operation
from rsscircuit.report.page.facts import Facts
from rsscircuit.report.page.section import Card, Mark, Missing, Section
from rsscircuit.report.page.words import count, plain, quantity, sentence, share, square

WORTH_A_WARNING = 1e-3


def summary(facts: Facts) -> Section:
    """The first section."""
    evaluation = facts.result("evaluate")
    missing = [*([] if evaluation else [not_evaluated(facts)]), *facts.stale]
    return Section(
        anchor="summary",
        title="Summary",
        lead=_lead(facts),
        warnings=list(_warnings(facts)),
        cards=list(_cards(facts)),
        missing=missing,
    )


def not_evaluated(facts: Facts) -> Missing:
    """How to run the network on the chip."""
    return facts.missing("What the chip answers on data", "evaluate", data=True)


def _lead(facts: Facts) -> str:
    record, evaluation = facts.record, facts.result("evaluate")
    summary, bank = record["summary"], record["bank"]
    is_on = (
        f"{facts.title} is on {count(summary['tiles'], 'crossbar')} in {record['technology']}, each weight a pair of "
        f"banks of {count(bank['resistors'], 'resistor')}"
    )
    if evaluation is None:
        return f"{is_on}; what the chip answers on data has not been run."
    agreement, error = evaluation["agreement"]["chip"], evaluation["output_error"]["chip"]
    return (
        f"{is_on}; on {count(evaluation['images'], 'input')} it gives the trained network's answer in "
        f"{share(agreement, 5)} of the cases, with an output error of {share(error)}."
    )


def _cards(facts: Facts) -> Iterator[Card]:
    summary = facts.record["summary"]
    if evaluation := facts.result("evaluate"):
        accuracy = evaluation["accuracy"]
        inputs = count(evaluation["images"], "input")
        if accuracy:
            note = f"the trained network {share(accuracy['trained'], 4)}; {inputs}"
            yield Card(name="Accuracy", value=share(accuracy["chip"], 4), note=note, mark=Mark.SIMULATED)
        agreement = share(evaluation["agreement"]["chip"], 5)
        yield Card(name="Agreement", value=agreement, note="with the trained network", mark=Mark.SIMULATED)
        error = share(evaluation["output_error"]["chip"])
        yield Card(name="Output error", value=error, note="rms, over the rms output", mark=Mark.SIMULATED)
    for result in facts.results("yield_*"):
        if result["trials"] and result["yield"]:
            kept = list(result["yield"].values())[-1]
            interval = f"{kept['kept']} of {kept['chips']}; 95 %: {share(kept['low'])} to {share(kept['high'])}"
            name = "Yield over drifts" if result["kind"] == "fixed program" else "Yield over dies"
            yield Card(name=name, value=share(kept["share"]), note=interval, mark=Mark.SIMULATED)
    worst = max(facts.errors, key=lambda each: float(abs(each.drawn).max(initial=0.0)))
    note = f"of full scale, over {count(summary['cells'], 'pair')}; tolerance {share(worst.tolerance)}"
    yield Card(name="Worst weight", value=share(float(abs(worst.drawn).max(initial=0.0))), note=note, mark=facts.mark)
    if cost := facts.result("cost"):
        area, energy = cost["area"]["total"], cost["energy"]["total"]
        yield Card(name="Area", value=square(area), note=f"{count(cost['tiles'], 'tile')}", mark=Mark.ASSUMED)
        each = f"{quantity(cost['joule_per_mac'], 'J')} a MAC"
        yield Card(name="Energy an inference", value=quantity(energy, "J"), note=each, mark=Mark.ASSUMED)
        rate = f"{plain(cost['inferences_per_second'])} inferences a second"
        yield Card(name="Latency", value=quantity(cost["latency_second"], "s"), note=rate, mark=Mark.ASSUMED)
    note = f"in {count(summary['cells'], 'pair')}; {count(summary['closed_switches'])} switches closed"
    yield Card(name="Resistors", value=count(summary["resistors"]), note=note, mark=Mark.EMITTED)
    if facts.signed_off:
        passed = sum(tile["passed"] for tile in facts.signed_off)
        note = f"of {count(facts.record['summary']['tiles'], 'tile')}: Verilog, bitstream and netlist together"
        yield Card(name="Signed off", value=count(passed), note=note, mark=Mark.SIMULATED)


def _warnings(facts: Facts) -> Iterator[str]:
    if facts.changed:
        yield (
            f"Changed since they were written: {', '.join(facts.changed)}. The figures below are of the files "
            "as they are."
        )
    if facts.stale:
        yield f"{count(len(facts.stale), 'result')} of another design left out, named below."
    if facts.record["hypothetical"]:
        yield f"The technology {facts.record['technology']} is hypothetical: no process makes it."
    if failed := [tile for tile in facts.signed_off if not tile["passed"]]:
        names = ", ".join(f"{tile['layer']} {tile['tile']}" for tile in failed[:3])
        yield f"Sign-off failed on {count(len(failed), 'tile')}: {names}."
    evaluation = facts.result("evaluate") or {"beyond_range": {}, "saturated": {}}
    if evaluation.get("agreement") and "mapped" not in evaluation["agreement"]:
        at_work = ", ".join(evaluation["effects"]) or "nothing"
        yield f"Of the effects of the chip these alone were at work when it was evaluated: {at_work}."
    if aside := ", ".join(_aside(evaluation.get("conditions", {}))):
        yield f"The chip was evaluated away from its nominal point: {aside}."
    for key, words in (
        ("beyond_range", "activations beyond the input range"),
        ("saturated", "conversions cut off by the ADC"),
    ):
        over = {name: part for name, part in evaluation[key].items() if part > WORTH_A_WARNING}
        if over:
            yield (
                f"{sentence(words)}: " + ", ".join(f"{share(part, 2)} in {name}" for name, part in over.items()) + "."
            )
    reached = facts.record["summary"]["beyond_reach"]
    if reached:
        yield f"{count(reached, 'target')} lie beyond the reach of their banks; more resistors a bank would serve them."


def _aside(conditions: Mapping[str, Any]) -> Iterator[str]:
    """Conditions that are not the nominal ones."""
    words = {
        "celsius": lambda value: f"{plain(value)} C",
        "supply_volt": lambda value: f"{plain(value)} V",
        "years": lambda value: f"{plain(value)} years old",
        "stuck_open": lambda value: f"{share(value)} of the switches stuck open",
        "stuck_closed": lambda value: f"{share(value)} stuck closed",
    }
    nominal = asdict(Operation())
    for name, value in conditions.items():
        if name in words and value != nominal[name]:
            yield words[name](value)
