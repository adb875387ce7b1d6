"""What stands in for the start of a process: it runs as one, and does not outlive who asked for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Process, wait_for
from tests.forkserver import run

pytestmark = pytest.mark.service
HOLDER = """
import sys, time
from pathlib import Path
from tests.conftest import Process
sleeper = Process([sys.executable, "-c", "import time; time.sleep(600)"], Path(sys.argv[1]), {})
print(sleeper.popen.pid, flush=True)
time.sleep(600)
"""


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_all_ends_with_the_tests_even_when_they_are_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as holder:
        assert holder.stdout
        pid = int(holder.stdout.readline())
        assert lives(pid)
        holder.kill()
    wait_for(lambda: not lives(pid), "the forked process to end")


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("print(input.__name__)", 0, ""),
        ("import os; os._exit(137)", 137, ""),
        ("import sys; sys.exit('no')", 1, "no\n"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, ""),
    ],
)
def test_it_ends_as_a_process_does(code: str, status: int, error: str) -> None:
    ended = run([sys.executable, "-c", code], {}, timeout=60)
    assert (ended.returncode, ended.stderr) == (status, error)


def test_it_has_only_the_environment_and_the_arguments_that_it_was_given() -> None:
    code = "import os, sys; print(sorted(os.environ), sys.argv, sys.stdin.read())"
    ended = run([sys.executable, "-c", code, "a b"], {"ONE": "1"}, timeout=60)
    assert ended.stdout == "['ONE'] ['-c', 'a b'] \n"


def test_a_failure_shows_its_way(tmp_path: Path) -> None:
    one = Process([sys.executable, "-c", "1 / 0"], tmp_path / "log", dict(os.environ))
    assert one.popen.wait(timeout=60) == 1
    assert "ZeroDivisionError" in one.output()
    one.stop()
