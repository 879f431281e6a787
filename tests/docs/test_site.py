"""The documentation site: built strictly, whole without a network, and with a page for every public name."""

from __future__ import annotations

import ast
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: What a browser fetches by itself, or runs, from another host; links to follow are not in it.
FETCHED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio)\b[^>]*\ssrc=["']?(?:https?:)?//|"""
    r"""<link\b[^>]*\shref=["']?(?:https?:)?//|url\(["']?(?:https?:)?//|@import ["'](?:https?:)?//"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as ``mkdocs build --strict`` writes it."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_no_page_asks_another_host(site: Path) -> None:
    pages = [*site.rglob("*.html"), *site.rglob("*.css"), *site.rglob("*.svg")]
    assert len(pages) > 40
    for page in pages:
        found = FETCHED.search(page.read_text("utf-8"))
        assert not found, f"{page.relative_to(site)}: {found.group() if found else ''}"


@pytest.mark.parametrize(
    "text",
    ["<script async src=https://a.b/c.js>", '<link rel="stylesheet" href="//a.b/c.css">', "url(https://a.b/c.woff2)"],
)
def test_a_page_that_would_is_noticed(text: str) -> None:
    assert FETCHED.search(text)


def test_equations_are_mathml(site: Path) -> None:
    blocks = sum(page.read_text("utf-8").count("```math\n") for page in (ROOT / "docs").rglob("*.md"))
    drawn = sum(page.read_text("utf-8").count('<div class="equation"><math') for page in site.rglob("*.html"))
    assert blocks == drawn > 0


def test_every_public_name_has_its_place(site: Path) -> None:
    pages = "".join(page.read_text("utf-8") for page in (site / "api").glob("*.html"))
    sources = "".join(page.read_text("utf-8") for page in (ROOT / "docs" / "api").glob("*.md"))
    shown = set(re.findall(r"^::: (\S+)", sources, re.MULTILINE))
    for package in (ROOT / "rsscircuit").rglob("__init__.py"):
        module = ".".join(package.parent.relative_to(ROOT).parts)
        names = public_names(package)
        assert not names or module in shown, f"{module} has public names and no page in docs/api"
        own = [name for name in names if not (package.parent / f"{name}.py").exists()]
        places = [f"{module}.{name}" for name in own] + [f"{module}.{name}.{name}" for name in set(names) - set(own)]
        missing = [place for place in places if f'id="{place}"' not in pages]
        assert not missing, f"{module}: {missing}"


def public_names(package: Path) -> list[str]:
    """What a package lists in ``__all__``."""
    for statement in ast.parse(package.read_text("utf-8")).body:
        if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == "__all__":
            names: list[str] = ast.literal_eval(statement.value)
            return names
    return []


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "rsscircuit" / "py.typed").is_file()


def test_the_figures_of_the_theory_are_those_of_its_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "bench"))
    script = runpy.run_path(str(ROOT / "tests" / "bench" / "theory.py"))
    page = (ROOT / "docs" / "theory.md").read_text("utf-8")
    for key, text in script["captions"](script["find"]()).items():
        assert f"<!-- measured: {key} -->\n\n{text}\n" in page, f"run python tests/bench/theory.py --write: {key}"
