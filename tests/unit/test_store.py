"""Whatever happens to a write, its caller hears of it, the next one works, and the store says whether it can commit."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kling_pipeline.errors import BusyError, StorageError, StudioError
from kling_pipeline.storage import store as store_module
from kling_pipeline.storage.disk import check_floor, storage_error, storing
from kling_pipeline.storage.store import Store, get_meta, set_meta
from tests.conftest import wait_for

SOON = 20.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "studio.db")
    yield made
    made.close()


def together(*works: Callable[[], Any]) -> list[Any]:
    """What each returned or raised, all begun at the same moment; a caller that still waits fails the test."""
    outcomes: list[Any] = ["waits for ever"] * len(works)
    gate = threading.Barrier(len(works))

    def run(at: int) -> None:
        gate.wait(SOON)
        try:
            outcomes[at] = works[at]()
        except BaseException as error:
            outcomes[at] = error

    threads = [threading.Thread(target=run, args=(at,), daemon=True) for at in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert "waits for ever" not in outcomes, outcomes
    return outcomes


def hold(store: Store) -> tuple[Future[Any], threading.Event]:
    """A write that is under way until its event is set: what comes meanwhile gathers behind it."""
    begun, go_on = threading.Event(), threading.Event()

    def wait(db: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait(SOON)

    future = store._writer.submit(wait)
    assert begun.wait(SOON)
    return future, go_on


def put(store: Store, key: str = "k", value: int = 1) -> int:
    store.write(lambda db: set_meta(db, key, value))
    return value


def kept(store: Store, key: str = "k") -> Any:
    with store.read() as db:
        return get_meta(db, key)


def test_a_write_that_races_the_end_is_kept_or_refused_and_never_waits(tmp_path: Path) -> None:
    for turn in range(30):
        store = Store(tmp_path / f"{turn}.db")
        writers = [lambda n=n, store=store: put(store, f"k{n}", n) for n in range(8)]
        *told, _ = together(*writers, store.close)
        for number, one in enumerate(told):
            assert one == number or isinstance(one, BusyError)
        with closing(sqlite3.connect(store.path)) as db:
            found = {key for (key,) in db.execute("SELECT key FROM meta WHERE key LIKE 'k%'")}
        assert found == {f"k{one}" for one in told if isinstance(one, int)}


def test_a_closed_store_refuses_at_once_and_may_be_closed_again(store: Store) -> None:
    store.close()
    together(store.close, store.close)
    with pytest.raises(BusyError, match="stopping"):
        put(store)
    with pytest.raises(BusyError, match="stopping"):
        store.check()


def exits(db: sqlite3.Connection) -> None:
    raise SystemExit(3)


def runs_out(db: sqlite3.Connection) -> None:
    raise MemoryError


def interrupted(db: sqlite3.Connection) -> None:
    raise KeyboardInterrupt


def closes(db: sqlite3.Connection) -> None:
    db.close()


def rolls_back(db: sqlite3.Connection) -> None:
    db.execute("ROLLBACK")


def rolls_back_and_raises(db: sqlite3.Connection) -> None:
    db.execute("ROLLBACK")
    raise LookupError


def wrong(db: sqlite3.Connection) -> None:
    db.execute("SELECT no_such_column FROM meta")


@pytest.mark.parametrize(
    ("work", "raised"),
    [
        (exits, SystemExit),
        (runs_out, MemoryError),
        (interrupted, KeyboardInterrupt),
        (closes, sqlite3.ProgrammingError),
        (rolls_back, sqlite3.OperationalError),
        (rolls_back_and_raises, LookupError),
        (wrong, sqlite3.OperationalError),
    ],
)
def test_what_breaks_a_write_breaks_no_other(store: Store, work: Any, raised: type) -> None:
    """Alone, and in one group with good ones."""
    with pytest.raises(raised):
        store.write(work)
    assert put(store) == kept(store)
    _, go_on = hold(store)

    def gather() -> None:
        wait_for(lambda: store._writer._tasks.qsize() == 6, "all others to be one group", SOON)
        go_on.set()

    told = together(
        gather,
        lambda: store.write(work),
        *(lambda n=n: put(store, f"k{n}", n) for n in range(5)),
    )
    assert told[0] is None
    assert isinstance(told[1], raised)
    assert told[2:] == list(range(5)) == [kept(store, f"k{n}") for n in range(5)]


def test_a_caller_that_went_away_stops_nobody(store: Store) -> None:
    running, go_on = hold(store)
    waiting = store._writer.submit(lambda db: set_meta(db, "gone", 1))
    assert running.cancel()
    assert waiting.cancel()
    go_on.set()
    assert put(store) == kept(store)


def test_a_writer_whose_thread_has_ended_begins_again(store: Store) -> None:
    """Whatever may have ended it: nobody waits for a thread that is not there."""
    ended = threading.Thread(target=lambda: None)
    ended.start()
    ended.join()
    thread, store._writer._thread = store._writer._thread, ended
    assert put(store) == kept(store)
    store._writer._tasks.put(None)
    thread.join(0.1)


def test_a_write_within_a_write_is_refused_at_once(store: Store) -> None:
    with pytest.raises(RuntimeError, match="wait for itself"):
        store.write(lambda db: put(store))


@pytest.fixture
def disk(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    """Says what SQLite finds from now on: `max_page_count = 1` (full), `query_only = ON` (read-only), None (room)."""
    found: list[str | None] = [None]

    def connected() -> sqlite3.Connection:
        db = store._connect()
        if found[0]:
            db.execute(f"PRAGMA {found[0]}")
        return db

    def be(pragma: str | None) -> None:
        found[0] = pragma
        store._probe = None

    monkeypatch.setattr(store._writer, "_connect", connected)
    return be


@pytest.mark.parametrize(
    ("pragma", "said", "code"),
    [
        ("max_page_count = 1", "full", "disk_full"),
        ("query_only = ON", "read-only", "disk_unwritable"),
    ],
)
def test_a_disk_that_takes_nothing_is_told_and_found_well_again_without_a_restart(
    store: Store, disk: Callable[[str | None], None], pragma: str, said: str, code: str
) -> None:
    large = "x" * 100_000
    disk(pragma)
    for _ in range(2):
        with pytest.raises(StorageError, match=said) as caught:
            store.write(lambda db: set_meta(db, "large", large))
        assert caught.value.code == code
        assert ("Free some space" in caught.value.next) == (code == "disk_full")
    if said == "read-only":
        with pytest.raises(StorageError):
            store.check()
    disk(None)
    store.check()
    store.write(lambda db: set_meta(db, "large", large))
    assert kept(store, "large") == large


def test_a_lock_of_another_program_is_waited_for_once_for_all_and_named(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_BUSY_SECONDS", 0.3)
    store._writer._forget()
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        told = together(*(lambda: put(store) for _ in range(20)))
        assert {type(one) for one in told} == {BusyError}
        with pytest.raises(BusyError):
            store.check()
    assert put(store) == kept(store)


def test_a_store_that_does_not_answer_is_told_within_seconds(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_PROBE_SECONDS", 0.05)
    go_on = threading.Event()
    running = store._writer.submit(lambda db: go_on.wait(SOON))
    for _ in range(2):
        with pytest.raises(StorageError, match="takes no writes"):
            store.check()
    go_on.set()
    running.result(SOON)
    monkeypatch.setattr(store_module, "_PROBE_SECONDS", SOON)
    store.check()


def test_many_who_ask_whether_it_is_well_cost_one_commit(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_PROBE_AGAIN", SOON)
    asked: list[str] = []
    put(store)
    assert store._writer._db is not None
    store._writer._db.set_trace_callback(asked.append)
    assert together(*(store.check for _ in range(20))) == [None] * 20
    assert asked.count("COMMIT") == 1


def test_health_is_told_while_the_watch_waits_to_connect(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, go_on, connect = threading.Event(), threading.Event(), store._connect

    def connected() -> sqlite3.Connection:
        here.set()
        assert go_on.wait(SOON), "the health waits for it"
        return connect()

    monkeypatch.setattr(store, "_connect", connected)
    watching = threading.Thread(target=store.version)
    watching.start()
    assert here.wait(SOON)
    store.check()
    go_on.set()
    watching.join(SOON)
    assert not watching.is_alive()


def test_a_closed_store_has_no_version_and_opens_no_watch(tmp_path: Path) -> None:
    store = Store(tmp_path / "studio.db")
    store.version()
    store.close()
    with pytest.raises(BusyError):
        store.version()
    assert store._watch is None


def test_readers_are_few_and_given_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[sqlite3.Connection] = []
    connect = Store._connect
    reading, most = threading.Semaphore(0), [0, 0]
    lock = threading.Lock()

    def counted(one: Store) -> sqlite3.Connection:
        db = connect(one)
        opened.append(db)
        return db

    monkeypatch.setattr(Store, "_connect", counted)

    def read() -> None:
        with store.read() as db:
            with lock:
                most[0] += 1
                most[1] = max(most)
            reading.release()
            db.execute("SELECT count(*) FROM job").fetchone()
            with store.read() as same:
                assert same is db, (
                    "one that needs a second place while all are taken waits for ever"
                )
            with lock:
                most[0] -= 1

    together(*([read] * 60))
    assert most == [0, most[1]]
    assert most[1] <= store_module._READERS
    assert store._idle.qsize() <= store_module._KEPT

    def is_open(db: sqlite3.Connection) -> bool:
        try:
            return bool(db.execute("SELECT 1"))
        except sqlite3.ProgrammingError:
            return False

    assert sum(map(is_open, opened)) == store._idle.qsize()
    with pytest.raises(LookupError), store.read():
        raise LookupError
    together(*([read] * 20))


def test_a_reader_that_finds_no_place_is_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_BUSY_SECONDS", 0.05)
    monkeypatch.setattr(store, "_slots", threading.BoundedSemaphore(1))
    with store.read():
        [told] = together(lambda: kept(store))
    assert isinstance(told, BusyError)
    assert kept(store) is None


@pytest.mark.parametrize("number", [28, 122, 27, 30, 13, 5], ids=lambda n: f"errno {n}")
def test_what_the_system_refuses_is_told_with_what_to_do(number: int) -> None:
    with pytest.raises(StorageError, match="Nothing was kept") as caught, storing():
        raise OSError(number, "no")
    assert caught.value.code == ("disk_full" if number in (28, 122, 27) else "disk_unwritable")
    assert caught.value.next


def test_other_errors_stay_what_they_are() -> None:
    assert storage_error(sqlite3.IntegrityError("twice")) is None
    assert storage_error(ValueError()) is None
    with pytest.raises(FileNotFoundError), storing():
        raise FileNotFoundError(2, "no such file")


def test_below_the_floor_nothing_more_is_taken(tmp_path: Path, monkeypatch: Any) -> None:
    usage = type("usage", (), {"total": 100 * 1024**3, "free": 600 * 1024**2})
    monkeypatch.setattr("kling_pipeline.storage.disk.shutil.disk_usage", lambda folder: usage)
    check_floor(tmp_path, None)
    check_floor(tmp_path, 600 * 1024**2)
    for floor, coming in ((None, 100 * 1024**2), (601 * 1024**2, 0), (0, 601 * 1024**2)):
        with pytest.raises(StudioError, match="600 MB are free") as caught:
            check_floor(tmp_path, floor, coming)
        assert caught.value.code == "disk_full"
        needed = f"this needs {coming // 1024**2}.0 MB"
        assert (needed in caught.value.message) == (coming > 0)
    usage.total, usage.free = 64 * 1024**2, 5 * 1024**2
    check_floor(tmp_path, None, 1024**2)  # a small disk has a small floor
