"""What was checked: the files, sign-off of Verilog with netlist, and simulators beside each other."""

from __future__ import annotations

from pathlib import Path

from rsscircuit.design.record import build_command
from rsscircuit.design.store import INPUTS_FILE
from rsscircuit.report.page.facts import Facts, Result
from rsscircuit.report.page.section import Mark, Missing, Section, Table
from rsscircuit.report.page.words import count, plain, share
from rsscircuit.report.steps import figure_of, remark_of

VERDICT = {True: "PASS", False: "FAIL"}


def verification(facts: Facts) -> Section:
    """The section."""
    done, tiles = facts.signed_off, facts.record["summary"]["tiles"]
    missing: list[Missing] = []
    if len(done) < tiles:
        what = "Sign-off of every tile" if not done else f"Sign-off of the other {count(tiles - len(done), 'tile')}"
        missing.append(_to_sign_off(facts, what))
    simulated = list(facts.results("simulate_*"))
    spice = facts.result("evaluate_ngspice")
    if spice is None:
        missing.append(facts.missing("Whole inputs in ngspice beside the fast path", "evaluate", "--engine", "ngspice",
                                     "--images", "1", data=True))  # fmt: skip
    return Section(
        anchor="verification",
        title="Verification",
        lead=_lead(facts),
        tables=[
            _steps(facts),
            _files(facts),
            *([_signoff(done)] if done else []),
            *([_simulations(simulated)] if simulated else []),
            *([_spice(spice)] if spice else []),
        ],
        missing=missing,
    )


def _to_sign_off(facts: Facts, what: str) -> Missing:
    """The command, after a build with netlists where there are none, and with inputs where the design keeps none."""
    folder, record = Path(facts.directory), facts.record
    words = () if (facts.folder / INPUTS_FILE).is_file() else ("--inputs", facts.inputs)
    asked = facts.missing(what, "signoff", *words)
    if record["options"]["netlists"] == "all":
        return asked
    again = build_command(folder, {**record, "options": {**record["options"], "netlists": "all"}})
    return Missing(what=f"{what}, which takes every netlist", command=f"{again} && {asked.command}")


def _lead(facts: Facts) -> str:
    done, tiles = facts.signed_off, facts.record["summary"]["tiles"]
    files = f"changed since they were written: {', '.join(facts.changed)}" if facts.changed else "as they were written"
    if not done:
        return f"The files are {files}; no tile has been signed off."
    passed = sum(tile["passed"] for tile in done)
    which = f"{count(passed)} of {count(tiles)}" if passed < tiles else f"all {count(tiles)}"
    failed = f" ({count(len(done) - passed)} failed)" if passed < len(done) else ""
    return (
        f"The files are {files}, and {which} tiles are signed off{failed}: the emitted Verilog, loaded with the "
        f"emitted "
        "bitstream, programs the emitted netlist."
    )


def _steps(facts: Facts) -> Table:
    """The steps of the build; the report itself, where it is one of them, is not among them yet."""
    rows = [
        (each.step, each.verdict, remark_of(each.check), figure_of(each.check), f"{each.seconds:.1f} s")
        for each in facts.steps.values()
    ]
    heads = ("step", "check", "what the figure is", "figure (limit)", "time")
    return Table(title="Steps of the build, each against the one before", heads=heads, rows=rows, left=3)


def _files(facts: Facts) -> Table:
    marks = {name: mark for name, mark in facts.record["fingerprints"].items() if name != "record"}
    marks |= {"record": facts.record["fingerprints"]["record"]}
    rows = [(name, VERDICT[name not in facts.changed], mark) for name, mark in marks.items()]
    return Table(title="Files as they were written", heads=("group", "check", "fingerprint"), rows=rows, left=3)


def _signoff(done: list[Result]) -> Table:
    names = list(dict.fromkeys(check["name"] for tile in done for check in tile["checks"]))
    rows = []
    for tile in done:
        figures = {check["name"]: check for check in tile["checks"]}
        cells = (
            "–" if name not in figures or figures[name]["figure"] is None
            else plain(figures[name]["figure"]) + ("" if figures[name]["passed"] else " FAIL")
            for name in names
        )  # fmt: skip
        rows.append((f"{tile['layer']} {tile['tile']}", VERDICT[tile["passed"]], *cells))
    limits = {check["name"]: check for tile in done for check in tile["checks"]}
    note = "; ".join(f"{name}: {limits[name]['unit']}, at most {plain(limits[name]['limit'])}" for name in names) + "."
    heads = ("tile", "", *names)
    return Table(title="Sign-off", heads=heads, rows=rows, left=2, mark=Mark.SIMULATED, note=note)


def _simulations(simulated: list[Result]) -> Table:
    rows = [
        (
            f"{result['layer']} {result['tile']}",
            f"{result['version'] or result['engine']}, {result['analysis']}",
            count(result["cases"]),
            share(result["relative_difference"]) if result.get("relative_difference") is not None else "–",
        )
        for result in simulated
    ]
    heads = ("tile", "engine, analysis", "inputs", "off the closed form, rms")
    note = (
        "Closed form: sum of conductance times voltage. What bends a branch, and wires and leakage where the deck has "
        "them, are not in it, and so make a difference."
    )
    return Table(title="Tiles in a simulator", heads=heads, rows=rows, left=2, mark=Mark.SIMULATED, note=note)


def _spice(result: Result) -> Table:
    classes = result["classes"]
    names = [name for name in ("wanted", "trained", "fast", "ngspice") if name in classes]
    rows = [
        (
            str(image),
            VERDICT[classes["fast"][place] == classes["ngspice"][place]],
            *(str(classes[name][place]) for name in names),
        )
        for place, image in enumerate(result["images"])
    ]
    heads = {"wanted": "label", "trained": "trained", "fast": "fast path", "ngspice": "ngspice"}
    note = (
        f"Classes. Outputs of {result['version']} less those of the fast path: {share(result['difference'])} of "
        f"the trained "
        "outputs, rms over rms."
    )
    return Table(
        title="Whole inputs in ngspice", heads=("input", "", *(heads[name] for name in names)), rows=rows, left=2,
        mark=Mark.SIMULATED, note=note,
    )  # fmt: skip
