"""Leaf text that the package writes out: found beside the checkout, or inside the installed wheel."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from string import Template


def read(name: str) -> str:
    """The text of the template ``name``, such as ``"controller/tb_xbar_top.sv"``."""
    packaged = resources.files("rsscircuit") / "_templates"
    folder = packaged if packaged.is_dir() else Path(__file__).parent.parent / "templates"
    return folder.joinpath(*name.split("/")).read_text(encoding="utf-8")


def render(name: str, **values: object) -> str:
    """The template ``name`` with every ``$key`` replaced; ``$$`` stands for one dollar sign.

    Raises:
        KeyError: The template asks for a key that was not given.
    """
    return Template(read(name)).substitute({key: str(value) for key, value in values.items()})
