"""The command ``generate-crossbar``: its commands, and errors as one line with an exit status."""

from __future__ import annotations

import signal
import sys

import click

from rsscircuit import __version__
from rsscircuit.commands import artefacts, bank_choice, designs, exploration, networks, tiles
from rsscircuit.commands.shared import CRASHED
from rsscircuit.errors import CrashError, RsscircuitError
from rsscircuit.report import tables

COMMANDS = (
    *(designs.build, designs.program, designs.export_banks, designs.inspect, designs.report),
    *(artefacts.emit, artefacts.hdl, artefacts.weight_map, artefacts.signoff),
    *(tiles.simulate, tiles.montecarlo),
    *(networks.evaluate, networks.network_yield, networks.cost),
    exploration.explore,
    *(bank_choice.size, bank_choice.compare_banks, bank_choice.resistor, bank_choice.technologies),
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="generate-crossbar")
def cli() -> None:
    """Map trained networks onto resistive crossbars whose cells are banks of random resistors."""


for _command in COMMANDS:
    cli.add_command(_command)


@cli.command()
def doctor() -> None:
    """What is installed, which version, and what each missing part costs."""
    from rsscircuit.doctor import check

    rows = [
        (part.name, part.version or "missing", "" if part.version else f"{part.cost}; {part.remedy}")
        for part in check()
    ]
    tables.print_table(("part", "version", "without it"), rows, left=3)


def main() -> None:
    """Run the command; an error that the user can mend is one line and exit status 2."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing is left half-written
    try:
        cli.main(standalone_mode=False)
    except CrashError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(CRASHED)
    except RsscircuitError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.filename or 'a file'}: {error.strerror or error}")
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        _fail(error.format_message().replace("\n", " "))
    except (click.Abort, KeyboardInterrupt) as stop:
        click.echo(str(stop.__cause__ or stop) or "interrupted", err=True)
        sys.exit(130)


def _fail(message: str) -> None:
    click.echo(f"error: {message}", err=True)
    sys.exit(2)


if __name__ == "__main__":
    main()
