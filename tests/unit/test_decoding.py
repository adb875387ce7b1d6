"""Files are read by other processes: what loops, leaks or crashes there is a sentence here, and no more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kling_pipeline.errors import BusyError, ResultError
from kling_pipeline.media import decoder_pool
from kling_pipeline.media.decoder_pool import Decoders
from kling_pipeline.media.files import make_poster, verify_result
from kling_pipeline.media.formats import Unreadable
from kling_pipeline.settings import ROOT
from tests.conftest import wait_for
from tests.unit.bombs import scans
from tests.unit.samples import picture, refused

SIZE = {"width": 400, "height": 300, "duration": None, "fps": None}


@pytest.fixture
def pool() -> Iterator[Decoders]:
    made = Decoders(1, waiting=0, wall=30)
    yield made
    made.close()


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A file whose reader waits for ever, since nobody writes it."""
    path = tmp_path / "endless"
    os.mkfifo(path)
    return path


def processes(pool: Decoders) -> list[Any]:
    return [one._process for one in pool._all]


def measuring(pool: Decoders, path: Path) -> tuple[threading.Thread, list[str]]:
    """A thread that has a file measured, and the code it is refused with."""
    said: list[str] = []

    def ask() -> None:
        try:
            pool.measure(path, "MP4 video")
        except (BusyError, Unreadable) as error:
            said.append(error.code)

    thread = threading.Thread(target=ask)
    thread.start()
    return thread, said


def idle(pool: Decoders) -> list[Any]:
    """Those that nobody asks; read under the lock, so that one which is asked was seen alive."""
    with pool._lock:
        return list(pool._idle)


def test_thousands_of_scans_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    error = refused(scans())
    assert error.code == "file_too_complex"
    assert "scans" in error.message
    path = tmp_path / "a.jpg"
    path.write_bytes(scans())
    assert make_poster(path, "image", tmp_path / "b.jpg") is False
    with pytest.raises(ResultError) as caught:
        verify_result(path, "image")
    assert caught.value.code == "result_unreadable"
    facts = verify_result(path, "image", unread=True)
    assert (facts.mime, facts.width) == ("image/jpeg", None), "what Kling made is kept all the same"


def test_a_process_is_kept_for_the_next_file(pool: Decoders) -> None:
    assert pool.measure(picture(), "picture") == SIZE
    first = processes(pool)
    assert pool.measure(picture(), "picture") == SIZE
    assert processes(pool) == first


def test_a_file_that_takes_too_long_ends_its_process_only(endless: Path) -> None:
    pool = Decoders(1, wall=60)
    assert pool.measure(picture(), "picture") == SIZE
    pool._wall = 0.2
    with pytest.raises(Unreadable) as caught:
        pool.measure(endless, "JPG picture")
    assert caught.value.code == "file_too_complex"
    assert caught.value.sentence.startswith("This JPG picture takes more time or memory")
    pool._wall = 60
    assert processes(pool) == []
    assert pool.measure(picture(), "picture") == SIZE
    pool.close()
    assert processes(pool) == []


def test_a_clock_that_fires_as_the_answer_comes_spoils_neither_this_file_nor_the_next(
    pool: Decoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(threading.Timer):
        def cancel(self) -> None:
            self.function()
            super().cancel()

    with monkeypatch.context() as patched:
        patched.setattr(decoder_pool.threading, "Timer", Late)
        assert pool.measure(picture(), "picture") == SIZE
        assert processes(pool) == [], "a killed process waits for no other file"
    assert pool.measure(picture(), "picture") == SIZE


def test_processor_time_is_limited_for_each_file() -> None:
    pool = Decoders(1, cpu=0)
    for _ in range(3):
        assert pool.measure(picture(), "picture") == SIZE, "what came before does not count"
    with pytest.raises(Unreadable) as caught:
        pool.measure(scans(10_000, 6_200, 90), "JPG picture")
    assert caught.value.code == "file_too_complex"
    pool.close()


def test_memory_is_limited(pool: Decoders, tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    path.write_bytes(b"GIF89a" + (2**16 - 1).to_bytes(2, "little") * 2 + b"\0" * 99)
    with pytest.raises(Unreadable):
        pool.measure(path, "GIF picture")
    limits = Path(f"/proc/{processes(pool)[0].pid}/limits").read_text()
    line = next(one for one in limits.splitlines() if one.startswith("Max address space"))
    assert int(line.split()[3]) < 2 * 1024**3


def test_a_process_that_dies_between_two_files_is_replaced(pool: Decoders) -> None:
    pool.measure(picture(), "picture")
    (first,) = processes(pool)
    first.kill()
    first.wait()
    assert pool.measure(picture(), "picture") == SIZE
    assert processes(pool) != [first]


def test_a_process_that_dies_at_work_is_said(pool: Decoders, endless: Path) -> None:
    pool.measure(picture(), "picture")
    (first,) = processes(pool)
    thread, said = measuring(pool, endless)
    wait_for(lambda: not idle(pool), "the process to be at work")
    first.send_signal(signal.SIGSEGV)
    thread.join()
    assert said == ["file_too_complex"]


def test_more_than_can_wait_are_refused(pool: Decoders, endless: Path) -> None:
    thread, said = measuring(pool, endless)
    wait_for(lambda: processes(pool), "the first file to be under way")
    with pytest.raises(BusyError):
        pool.measure(picture(), "picture")
    # Closed while a file is read: not the file's fault, and the thread does not wait for its time.
    pool.close()
    thread.join()
    assert said == ["busy"]
    assert pool.measure(picture(), "picture") == SIZE, "a place is given back"


def test_a_process_that_does_not_start_is_nobody_s_fault(
    pool: Decoders, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(BusyError):
        pool.measure(picture(), "picture")
    decoder_pool.RESULTS.close()
    path = tmp_path / "a.jpg"
    path.write_bytes(picture())
    with pytest.raises(ResultError) as caught:
        verify_result(path, "image")
    assert caught.value.code == "result_busy", "it is fetched again later"


def test_secrets_stay_with_the_parent(pool: Decoders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLING_SECRET_KEY", "not for a decoder")
    monkeypatch.setenv("ANY_TOKEN", "nor this")
    pool.measure(picture(), "picture")
    own = Path(f"/proc/{processes(pool)[0].pid}/environ").read_bytes()
    assert b"not for a decoder" not in own and b"nor this" not in own


def test_a_process_ends_with_its_parent() -> None:
    code = (
        "import os\n"
        "from kling_pipeline.media.decoder_pool import UPLOADS\n"
        "from tests.unit.samples import picture\n"
        "UPLOADS.measure(picture(), 'picture')\n"
        "print(next(iter(UPLOADS._all))._process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    pid = int(done.stdout)

    def gone() -> bool:
        try:
            return ") Z " in Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return True

    wait_for(gone, "the decoder to see its pipe closed")


def test_what_touches_no_media_starts_no_process_and_loads_no_reader() -> None:
    code = (
        "import sys\n"
        "import kling_pipeline.__main__\n"
        "from kling_pipeline.media import decoder_pool\n"
        "print(len(decoder_pool.UPLOADS._all), {'av', 'PIL'} & set(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "0 set()"
