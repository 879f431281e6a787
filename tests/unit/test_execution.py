"""Where work runs: the same results anywhere, and a crash that costs its own item alone."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing import active_children
from pathlib import Path

import pytest

from rsscircuit import execution
from rsscircuit.errors import InputError, MissingPartError
from rsscircuit.execution import Crash, Dask, Done, Here, Processes, Workers


def square(number: int) -> int:
    return number * number


def pid(number: int) -> int:
    return os.getpid()


def killed_on_three(number: int) -> int:
    if number == 3:
        os.write(1, b"about to be killed\n")
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def faulty_on_three(number: int) -> int:
    return ctypes.string_at(0)[0] if number == 3 else number


def refuse(number: int) -> int:
    raise InputError("no", where="here", got=number)


def sleep_and_tell(folder: str) -> None:
    Path(folder, str(os.getpid())).touch()
    time.sleep(60)


@pytest.mark.parametrize("workers", [Here(), Processes(1), Processes(3)], ids=["here", "one", "three"])
def test_every_item_is_done_once(workers: Workers) -> None:
    done = list(workers.run(square, list(range(7))))
    assert sorted(done, key=lambda each: each.item) == [Done(number, number * number) for number in range(7)]


def test_a_process_is_replaced_after_some_items() -> None:
    pids = [each.result for each in Processes(1, tasks_a_process=2).run(pid, list(range(6)))]
    assert len(set(pids)) == 3
    assert os.getpid() not in pids


@pytest.mark.parametrize(
    ("function", "last"),
    [(killed_on_three, "about to be killed"), (faulty_on_three, "Fatal Python error: Segmentation fault")],
)
def test_a_crash_costs_its_item_and_says_what_the_worker_said_last(function: Callable[[int], int], last: str) -> None:
    done = {each.item: each.result for each in Processes(2).run(function, list(range(8)))}
    crash = done.pop(3)
    assert isinstance(crash, Crash)
    assert crash.last_lines[-1] == last
    assert done == {number: number for number in range(8) if number != 3}


def test_what_the_function_raises_is_raised_and_no_process_is_left() -> None:
    with pytest.raises(InputError, match="here: no; got"):
        list(Processes(2).run(refuse, [0, 1, 2]))
    assert active_children() == []


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    code = (
        "import sys, test_execution as t\n"
        "from rsscircuit.execution import Processes\n"
        "if __name__ == '__main__': list(Processes(2).run(t.sleep_and_tell, [sys.argv[1]] * 2))\n"
    )
    script = tmp_path / "parent.py"
    script.write_text(code)
    told = tmp_path / "pids"
    told.mkdir()
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    parent = subprocess.Popen([sys.executable, script, told], env=os.environ | {"PYTHONPATH": path})
    until(lambda: len(list(told.iterdir())) == 2)
    parent.kill()
    parent.wait()
    until(lambda: not any(alive(int(each.name)) for each in told.iterdir()))


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_dask_cluster_runs_them_too() -> None:
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster:
        done = list(Dask(cluster.scheduler_address).run(square, list(range(7))))
        with pytest.raises(InputError, match="here: no"):
            list(Dask(cluster.scheduler_address).run(refuse, [0]))
    assert sorted(each.result for each in done) == [number * number for number in range(7)]


def test_a_dask_cluster_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "DASK_SECONDS", 1)
    with pytest.raises(InputError, match=r"--dask: no Dask scheduler answers; got 'tcp://127.0.0.1:9'"):
        list(Dask("tcp://127.0.0.1:9").run(square, [1]))
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingPartError, match=r"pip install 'rsscircuit\[dask\]'"):
        list(Dask("tcp://127.0.0.1:9").run(square, [1]))
