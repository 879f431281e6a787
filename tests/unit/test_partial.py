"""What is written beside its place: whole or not at all, and nothing of a killed run stays."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import rsscircuit
from rsscircuit.options import BuildOptions
from rsscircuit.partial import partial_directory, partial_file, remove_leftovers, set_aside

WRITER = """
import sys, time
from pathlib import Path
from rsscircuit.partial import partial_directory, partial_file, set_aside
kind, target = sys.argv[1], Path(sys.argv[2])
with (partial_file if kind == "file" else partial_directory)(target) as path:
    if kind == "aside":
        target.rename(set_aside(path))
    print(path, flush=True)
    time.sleep(60)
"""


def killed_writer(kind: str, target: Path) -> Path:
    """What a run that was killed leaves behind."""
    with subprocess.Popen([sys.executable, "-c", WRITER, kind, str(target)], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        path = Path(run.stdout.readline().strip())
        remove_leftovers(target)
        assert path.exists()  # not those of a live run
        run.kill()
    return path


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_what_a_killed_run_left_is_removed(kind: str, tmp_path: Path) -> None:
    left = killed_writer(kind, tmp_path / "there")
    assert left.exists()
    others = [
        ".there.rsscircuit-mine",
        ".there.rsscircuit-abcdefgh.bak",
        ".there2.rsscircuit-abcdefgh",
        ".there.abcdefgh",
    ]
    for name in others:
        (tmp_path / name).mkdir()
    (tmp_path / ".there.rsscircuit-lin_kkkk").symlink_to(tmp_path / others[0])
    remove_leftovers(tmp_path / "there")
    assert {path.name for path in tmp_path.iterdir()} == {*others, ".there.rsscircuit-lin_kkkk"}


def test_what_was_put_aside_comes_back(tmp_path: Path) -> None:
    target = tmp_path / "there"
    target.mkdir()
    (target / "kept").write_text("as it was")
    left = killed_writer("aside", target)
    assert not target.exists()
    remove_leftovers(target)
    assert (target / "kept").read_text() == "as it was"
    assert {*tmp_path.iterdir()} == {target}
    set_aside(left).mkdir()  # replaced, and killed while the old one was being removed
    remove_leftovers(target)
    assert {*tmp_path.iterdir()} == {target}


def test_nothing_stays_of_what_ends_badly(tmp_path: Path) -> None:
    for partial in (partial_directory, partial_file):
        with pytest.raises(KeyboardInterrupt), partial(tmp_path / "there"):
            raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    remove_leftovers(tmp_path / "nowhere" / "there")


def test_a_build_after_a_killed_one_leaves_only_the_design(small_network: Path, tmp_path: Path) -> None:
    out = tmp_path / "design"
    rsscircuit.build(small_network, out, BuildOptions(netlists="none"))
    before = (out / "design.json").read_bytes()
    words = ["build", str(small_network), "--out", str(out), "--force", "--seed", "2", "--solver", "cp-sat"]
    with subprocess.Popen([sys.executable, "-m", "rsscircuit.cli", *words], stdout=subprocess.DEVNULL) as run:
        while run.poll() is None and not any(path.name.startswith(".") for path in tmp_path.iterdir()):
            time.sleep(0.01)
        run.send_signal(signal.SIGKILL)
    assert len(list(tmp_path.iterdir())) == 2
    assert (out / "design.json").read_bytes() == before
    rsscircuit.build(small_network, out, BuildOptions(netlists="none"), force=True)
    assert list(tmp_path.iterdir()) == [out]
    assert (out / "design.json").read_bytes() == before
