"""Leaf text: the templates of a dialect, filled with numbers that have every digit."""

from __future__ import annotations

from rsscircuit import templates
from rsscircuit.errors import InputError
from rsscircuit.netlist.elements import Part
from rsscircuit.quantities import spice_number


def leaf_text(dialect: str, part: Part, extension: str) -> str:
    """The text of a part.

    Raises:
        InputError: The dialect has no such template.
    """
    values = {key: value if isinstance(value, str) else spice_number(value) for key, value in part.values.items()}
    try:
        return templates.render(f"netlist/{dialect}/{part.template}.{extension}", **values).rstrip("\n")
    except FileNotFoundError:
        raise InputError(
            "this dialect has no such part",
            where=f"--dialect {dialect}",
            got=part.template,
            remedy="choose another level, or the dialect ngspice, which has them all",
        ) from None
