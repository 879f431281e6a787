"""Commands about banks, before there is a network."""

from __future__ import annotations

from typing import Any

import click

from rsscircuit.commands.shared import bars, json_option, option, print_json
from rsscircuit.comparison import DIES
from rsscircuit.errors import InputError
from rsscircuit.quantities import parse_quantity
from rsscircuit.report import tables
from rsscircuit.sizing import DEFAULT_PLANS
from rsscircuit.technology import DEFAULT, load_technology, preset_names, technology_text


@click.command(epilog="Example: generate-crossbar size --error 1e-3 --plans geometric:1.25,linear:0.2")
@option("--technology", default=DEFAULT, metavar="NAME|FILE", help="Preset name or TOML file.")
@option(
    "--error",
    type=float,
    default=1e-3,
    help="Largest error of a pair, as a fraction of full scale, as build --tolerance is, whose default is 4.9e-4.",
)
@option("--confidence", type=float, default=0.999, help="Share of the pairs that must be within it.")
@option("--plans", default=DEFAULT_PLANS, metavar="PLAN,...", help="Nominal plans, as build --bank takes them.")
@option("--targets", default="weights", help="weights (trained, mostly small) or mid (15 to 85 % of full scale).")
@option("--dies", type=int, help="Dies of the sample; else enough for the confidence.")
@option("--pairs", type=int, default=64, help="Pairs in the column of every die.")
@option("--measurement-share", type=float, default=0.1, help="Share of the error that measurement may add, in rms.")
@option("--seed", type=int, default=1, help="Of dies and targets.")
@json_option
def size(technology: str, plans: str, as_json: bool, **asked: Any) -> None:
    """How many resistors a bank needs, plan by plan: by simulation on measured dies, and theory beside it."""
    from rsscircuit.report.sizing_tables import show_sizes
    from rsscircuit.sizing.answer import answer
    from rsscircuit.sizing.size import sized_request, split_plans

    process = load_technology(technology)
    request = sized_request(**asked)
    record = answer(split_plans(plans), process, request, progress=bars(as_json))
    if as_json:
        print_json(record)
    else:
        show_sizes(record, process)


@click.command("compare-banks", epilog="Example: generate-crossbar compare-banks --out generated/banks")
@option("--technology", default=DEFAULT, metavar="NAME|FILE", help="Preset name or TOML file.")
@option("--out", metavar="DIR", help="Write the figures (JSON) and the picture (SVG) there as well.")
@option("--dies", type=int, default=DIES, help="Virtual dies of every bank.")
@option("--seed", type=int, default=1, help="Of the dies and the targets.")
@json_option
def compare_banks(technology: str, out: str | None, dies: int, seed: int, as_json: bool) -> None:
    """Area against effective bits: banks of every plan and their rivals."""
    from rsscircuit.comparison import compare_banks as run
    from rsscircuit.report.comparison_plot import save_comparison, writable_folder
    from rsscircuit.report.comparison_tables import show_comparison

    chosen = load_technology(technology)
    folder = None if out is None else writable_folder(out)
    result = run(chosen, dies=dies, seed=seed, progress=bars(as_json))
    if as_json:
        print_json(result)
    else:
        show_comparison(result)
    if folder is not None:
        written = save_comparison(result, folder)
        if not as_json:
            tables.print_lines(["", *written])


@click.command(
    epilog="Example: generate-crossbar resistor --value 12.34k --tolerance 1e-4 --out generated/r1 --simulate"
)
@option("--value", required=True, metavar="OHM", help="Resistance, as 12.34k or 1.2M.")
@option("--tolerance", type=float, default=1e-4, help="Largest relative error.")
@option("--technology", default=DEFAULT, metavar="NAME|FILE", help="Preset name or TOML file.")
@option("--volts", type=float, metavar="V", help="Voltage across at which the value is stated; else the read voltage.")
@option("--circuit", default="parallel", help="parallel, or series with shorting switches.")
@option("--bank", metavar="PLAN", help="Nominal plan, as build --bank takes it; else the technology's own.")
@option("--resistors", type=int, metavar="N", help="Resistors of the bank; else the fewest that suffice.")
@option("--drawn-for", metavar="OHM", help="Program a bank that was drawn for this value to another one.")
@option("--seed", type=int, default=1, help="Which virtual die.")
@option("--measured", metavar="FILE.csv", help="Measured branches of a real die: branch,siemens or branch,ohm.")
@option("--simulate", "simulated", is_flag=True, help="Run the deck in ngspice as well.")
@option("--out", metavar="DIR", help="Write deck, switches, measured branches and figures there.")
@option("--force", is_flag=True, help="Replace those files where they are.")
@json_option
def resistor(
    value: str, drawn_for: str | None, simulated: bool, out: str | None, force: bool, as_json: bool, **choices: Any
) -> None:
    """A precise resistor that stands alone: choose a bank, draw or read a die, solve, and check."""
    from rsscircuit.report.resistor import show_resistor
    from rsscircuit.resistor import ResistorOptions, make_resistor

    options = ResistorOptions(
        value_ohm=parse_quantity(value, "--value"),
        drawn_for_ohm=None if drawn_for is None else parse_quantity(drawn_for, "--drawn-for"),
        simulate=simulated,
        **choices,
    )
    record = make_resistor(options, out, force=force, progress=bars(as_json))
    if as_json:
        print_json(record)
    else:
        show_resistor(record, out)


@click.command(epilog="Example: generate-crossbar technologies sky130_xhigh_1M --toml > mine.toml")
@click.argument("name", metavar="[NAME]", required=False)
@option("--toml", is_flag=True, help="Print the file behind NAME, to start one of your own from.")
def technologies(name: str | None, toml: bool) -> None:
    """The technologies, or every number of the one called NAME (a preset or a file) with its source."""
    if toml:
        if name is None:
            raise InputError("a file of which technology", where="--toml", remedy="add its name")
        click.echo(technology_text(name), nl=False)
        return
    if name is not None:
        tables.show_technology(load_technology(name), technology_text(name))
        return
    known = [load_technology(preset) for preset in preset_names()]
    rows = [(t.label + (" (default)" if t.name == DEFAULT else ""), t.title) for t in known]
    tables.print_table(("technology", "what it is"), rows, left=2)
    tables.print_lines(
        [
            "hypothetical: no such process exists",
            "`generate-crossbar technologies NAME` has every number with its unit, its mark and its source",
        ]
    )
