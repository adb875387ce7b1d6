"""The ledger never loses, doubles or invents a credit."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kling_pipeline.errors import CreditError, InputError
from kling_pipeline.storage import ledger
from kling_pipeline.storage.audit import audit
from kling_pipeline.storage.store import Store
from tests.unit.conftest import MEMORY


@pytest.fixture
def store(tmp_path: Path):
    store = Store(tmp_path / "studio.db")
    yield store
    store.close()


def available(store: Store, owner: str = "ann") -> dict:
    with store.read() as db:
        return ledger.balance(db, owner)


def test_a_hold_is_settled_whole_and_once(store):
    store.write(lambda db: ledger.grant(db, "ann", 1000, "g"))
    store.write(lambda db: ledger.reserve(db, "ann", "job", 210, "kling_t2v"))
    assert available(store) == {"user": "ann", "available": 790, "held": 210, "spent": 0}
    store.write(lambda db: ledger.settle(db, "job"))
    assert available(store) == {"user": "ann", "available": 790, "held": 0, "spent": 210}
    for again in (ledger.settle, ledger.release):
        with pytest.raises(sqlite3.IntegrityError, match="leaves held once"):
            store.write(lambda db, again=again: again(db, "job"))
    assert available(store)["spent"] == 210


def test_a_release_gives_everything_back_once(store):
    store.write(lambda db: ledger.grant(db, "ann", 210, "g"))
    store.write(lambda db: ledger.reserve(db, "ann", "job", 210, "k"))
    store.write(lambda db: ledger.release(db, "job"))
    with pytest.raises(sqlite3.IntegrityError):
        store.write(lambda db: ledger.settle(db, "job"))
    assert available(store) == {"user": "ann", "available": 210, "held": 0, "spent": 0}


def test_short_credits_reserve_nothing_and_say_the_figures(store):
    store.write(lambda db: ledger.grant(db, "ann", 100, "g"))
    with pytest.raises(CreditError, match="210 credits are needed and 100 are available"):
        store.write(lambda db: ledger.reserve(db, "ann", "job", 210, "k"))
    assert available(store)["available"] == 100
    assert available(store)["held"] == 0


@pytest.mark.parametrize("amount", [0, -1, True, 1.5, float("nan"), 10**9 + 1, "7"])
def test_a_grant_is_a_whole_positive_number(store, amount):
    with pytest.raises(InputError):
        store.write(lambda db: ledger.grant(db, "ann", amount, "g"))
    assert available(store)["available"] == 0


def test_the_same_grant_counts_once(store):
    for _ in range(3):
        store.write(lambda db: ledger.grant(db, "ann", 50, "same"))
    assert available(store)["available"] == 50


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE txn SET amount = 1",
        "DELETE FROM txn",
        "UPDATE entry SET amount = 1",
        "DELETE FROM entry",
        "DELETE FROM hold",
        "UPDATE hold SET amount = 1",
        "UPDATE account SET balance = -1 WHERE kind = 'user'",
    ],
)
def test_history_cannot_be_rewritten(store, attack):
    store.write(lambda db: ledger.grant(db, "ann", 1000, "g"))
    store.write(lambda db: ledger.reserve(db, "ann", "job", 210, "k"))
    with pytest.raises(sqlite3.IntegrityError):
        store.write(lambda db: db.execute(attack))


def test_the_audit_sees_a_forged_balance(store):
    store.write(lambda db: ledger.grant(db, "ann", 1000, "g"))
    store.write(lambda db: db.execute("UPDATE account SET balance = 2000 WHERE kind = 'user'"))
    with store.read() as db:
        assert any("not the sum" in problem for problem in audit(db))


def test_sixteen_threads_cannot_spend_more_than_there_is(store):
    store.write(lambda db: ledger.grant(db, "ann", 100, "g"))
    admitted, refused = [], []

    def spend(worker: int) -> None:
        for turn in range(5):
            job = f"{worker}-{turn}"
            try:
                store.write(lambda db, job=job: ledger.reserve(db, "ann", job, 10, "k"))
                admitted.append(job)
            except CreditError:
                refused.append(job)

    threads = [threading.Thread(target=spend, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(admitted), len(refused)) == (10, 70)
    assert available(store) == {"user": "ann", "available": 0, "held": 100, "spent": 0}


def test_a_commit_is_on_the_disk(store):
    full = store.write(lambda db: db.execute("PRAGMA synchronous").fetchone()[0])
    assert full == 2, "an intent to spend must outlive the power"


def test_two_processes_worth_of_writers_keep_the_books(store, tmp_path):
    """Two stores on one file stand for two processes: each has a writer of its own."""
    other = Store(tmp_path / "studio.db")
    store.write(lambda db: ledger.grant(db, "ann", 100, "g"))
    admitted = []

    def spend(which: Store, name: str) -> None:
        for turn in range(15):
            job = f"{name}-{turn}"
            try:
                which.write(lambda db, job=job: ledger.reserve(db, "ann", job, 10, "k"))
                admitted.append(job)
            except CreditError:
                pass

    threads = [threading.Thread(target=spend, args=pair) for pair in ((store, "a"), (other, "b"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert len(admitted) == 10


def test_nobody_writes_between_what_a_transaction_reads_and_what_it_writes(store, tmp_path):
    def look(db: sqlite3.Connection) -> None:
        db.execute("SELECT balance FROM account").fetchall()
        with (
            closing(sqlite3.connect(tmp_path / "studio.db", timeout=0)) as outside,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            outside.execute("BEGIN IMMEDIATE")

    store.write(look)


LONG = bool(os.environ.get("STUDIO_LONG"))


class LedgerMachine(RuleBasedStateMachine):
    """Any order of grants, reserves, settles and releases, against a dictionary."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY)
        self.path = Path(self.folder.name) / "studio.db"
        self.store = Store(self.path)
        # What a step left behind is read by a connection of its own, as another process would.
        self.reader = sqlite3.connect(self.path, isolation_level=None)
        self.reader.row_factory = sqlite3.Row
        self.user, self.spent, self.holds, self.keys = 0, 0, {}, set()

    @rule(amount=st.integers(-5, 500), key=st.integers(0, 6))
    def grant(self, amount: int, key: int) -> None:
        if amount <= 0:
            with pytest.raises(InputError):
                self.store.write(lambda db: ledger.grant(db, "ann", amount, str(key)))
            return
        posted = self.store.write(lambda db: ledger.grant(db, "ann", amount, str(key)))
        assert posted is (key not in self.keys)
        if posted:
            self.keys.add(key)
            self.user += amount

    @rule(job=st.integers(0, 9), amount=st.integers(1, 300))
    def reserve(self, job: int, amount: int) -> None:
        expected: type[Exception] | None = None
        if amount > self.user:
            expected = CreditError
        elif job in self.holds:
            expected = sqlite3.IntegrityError
        if expected:
            with pytest.raises(expected):
                self.store.write(lambda db: ledger.reserve(db, "ann", str(job), amount, "k"))
            return
        self.store.write(lambda db: ledger.reserve(db, "ann", str(job), amount, "k"))
        self.user -= amount
        self.holds[job] = ("held", amount)

    @rule(job=st.integers(0, 9), settle=st.booleans())
    def leave(self, job: int, settle: bool) -> None:
        act = ledger.settle if settle else ledger.release
        state, amount = self.holds.get(job, ("none", 0))
        if state != "held":
            with pytest.raises((sqlite3.IntegrityError, LookupError)):
                self.store.write(lambda db: act(db, str(job)))
            return
        self.store.write(lambda db: act(db, str(job)))
        self.holds[job] = ("left", amount)
        if settle:
            self.spent += amount
        else:
            self.user += amount

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = Store(self.path)

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "store"):
            return
        held = sum(amount for state, amount in self.holds.values() if state == "held")
        found = ledger.balance(self.reader, "ann")
        problems = [one for one in audit(self.reader) if "no job" not in one]
        assert found == {"user": "ann", "available": self.user, "held": held, "spent": self.spent}
        assert problems == []

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.reader.close()
            self.store.close()
            self.folder.cleanup()


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(
    max_examples=1000 if LONG else 60,
    stateful_step_count=100 if LONG else 50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
