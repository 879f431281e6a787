"""Hooks of the documentation site, named in ``mkdocs.yml``.

Blocks fenced as ``math`` hold LaTeX and become MathML, which browsers draw by themselves, so that no page asks another
host for a script. Roles of docstrings, as ``:func:`name```, become the name alone.
"""

import re
from typing import Any

from latex2mathml.converter import convert

ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):<code>~?(?:[\w.]*\.)?(\w+)</code>")


def mathematics(source: str, *_args: object, **_options: object) -> str:
    """One block of LaTeX as MathML."""
    return f'<div class="equation">{convert(source, display="block")}</div>'


def on_config(config: Any) -> Any:
    """Tell the fences of the pages which blocks are mathematics."""
    fences = config.mdx_configs.setdefault("pymdownx.superfences", {}).setdefault("custom_fences", [])
    fences.append({"name": "math", "class": "math", "format": mathematics})
    return config


def on_page_content(html: str, **_page: Any) -> str:
    """Names for roles."""
    return ROLE.sub(r"<code>\1</code>", html)
