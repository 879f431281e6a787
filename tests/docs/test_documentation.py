"""The documentation is run: commands and Python blocks in order, links followed, the command page compared."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    "README.md",
    "docs/guide.md",
    "docs/files.md",
    "docs/python.md",
    "docs/subset-sums.md",
    "docs/banks.md",
    "docs/simulation.md",
    "docs/netlists.md",
    "docs/circuits.md",
    "docs/montecarlo.md",
    "docs/signoff.md",
    "docs/evaluation.md",
    "docs/cost.md",
    "docs/exploration.md",
]
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the pages expect to find: LeNet5 and the first images of its test set."""
    example = ROOT / "examples" / "lenet5_mnist"
    shutil.copy(example / "lenet5.onnx", tmp_path)
    packed = np.load(example / "test.npz")
    np.save(tmp_path / "images.npy", packed["images"][:100, None] / 255.0)
    np.save(tmp_path / "labels.npy", packed["labels"][:100])
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES)
def test_every_block_runs(page: str, place: Path) -> None:
    names: dict[str, object] = {}
    blocks = BLOCK.findall((ROOT / page).read_text("utf-8"))
    assert blocks
    for kind, text in blocks:
        if kind == "python":
            exec(compile(text, page, "exec"), names)  # noqa: S102 - the pages are ours
            continue
        lines = [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]
        assert lines
        for line in lines:
            program, *words = shlex.split(line)
            assert program == "generate-crossbar"
            done = subprocess.run(
                [sys.executable, "-m", "rsscircuit.cli", *words], capture_output=True, text=True, timeout=300
            )
            assert done.returncode == 0, f"{line}\n{done.stderr}"


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
