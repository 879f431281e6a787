"""Write docs/command.md from the command's own help; the tests compare the two.

python scripts/command_reference.py
"""

from pathlib import Path
from typing import Any

import click

from rsscircuit.cli import cli

PAGE = Path(__file__).parent.parent / "docs" / "command.md"


def _inherited() -> dict[str, Any]:
    """The group's settings that reach every command when it is really called."""
    return {"help_option_names": cli.context_settings["help_option_names"]}


def text() -> str:
    """The whole page."""
    parts = ["# The command\n", "Written by `scripts/command_reference.py` from `--help`.\n"]
    root = click.Context(cli, info_name="generate-crossbar", terminal_width=100, **_inherited())
    parts.append(f"```text\n{cli.get_help(root)}\n```\n")
    for name in sorted(cli.commands):
        context = click.Context(cli.commands[name], parent=root, info_name=name, terminal_width=100)
        parts.append(f"## {name}\n\n```text\n{cli.commands[name].get_help(context)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(text(), "utf-8")
