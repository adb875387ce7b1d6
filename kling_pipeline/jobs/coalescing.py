"""The board's question for many viewers at once: who asks while an answer is made shares the next one.

A page asks every second. Two hundred pages cost two hundred readings of the same rows; in groups, like writes, they
cost one, and nothing at all while nothing was committed.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from concurrent.futures import Future, ThreadPoolExecutor

from kling_pipeline.errors import BusyError
from kling_pipeline.jobs.accounts import read_balance
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.queries import changes_since

_KEPT, _KEPT_BYTES = 256, 16 * 1024 * 1024  # answers, and what they take together


class ChangeFeed:
    """Answers what changed since a revision, never with less than was committed when it was asked."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: dict[tuple[str, int], list[Future[bytes]]] = defaultdict(list)
        self._lock, self._closed = threading.Lock(), False
        self._thread = ThreadPoolExecutor(1, "viewers")
        # Answers that hold as long as the store is at this version.
        self._version: object = None
        self._answers: dict[tuple[str, int], bytes] = {}
        self._opened: set[str] = set()

    def ask(self, owner: str, rev: int) -> Future[bytes]:
        """Return the JSON of jobs changed after a revision, as `changes_since` makes it."""
        future: Future[bytes] = Future()
        with self._lock:
            if self._closed:
                raise BusyError("The studio is stopping. Ask again in a moment.")
            first = not self._waiting
            self._waiting[owner, rev].append(future)
            if first:
                self._begin()
        return future

    def _begin(self) -> None:
        """Have what waits answered; where the system gives no thread for it, nobody is left waiting."""
        try:
            self._thread.submit(self._answer)
        except (RuntimeError, MemoryError):
            self._waiting.clear()
            raise BusyError("The studio can begin nothing more. Ask again in a moment.") from None

    def close(self) -> None:
        """Answers those who have asked, and nobody after them."""
        with self._lock:
            self._closed = True
        self._thread.shutdown()

    def _answer(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, defaultdict(list)
        asked: dict[str, list[int]] = defaultdict(list)
        for owner, rev in waiting:
            asked[owner].append(rev)
        for owner, revs in asked.items():
            answers: dict[int, bytes] = {}
            failure: BaseException | None = None
            try:
                answers = self._look(owner, revs)
            except BaseException as error:  # each of them is told, and the next group is answered
                failure = error
            for rev in revs:
                for future in waiting[owner, rev]:
                    if not future.set_running_or_notify_cancel():
                        continue
                    if failure is None:
                        future.set_result(answers[rev])
                    else:
                        future.set_exception(failure)

    def _look(self, owner: str, revs: list[int]) -> dict[int, bytes]:
        store = self._engine.store
        if owner not in self._opened:
            read_balance(self._engine, owner)
            self._opened.add(owner)
        # Read before the rows: what is committed in between makes the answers look older than they are.
        version = store.version()
        if version != self._version:
            self._version, self._answers = version, {}
        missing = [rev for rev in revs if (owner, rev) not in self._answers]
        if missing:
            with store.read() as db:
                found = changes_since(db, self._engine, owner, missing)
            self._answers |= {(owner, rev): answer for rev, answer in found.items()}
        answers = {rev: self._answers[owner, rev] for rev in revs}
        if len(self._answers) > _KEPT or sum(map(len, self._answers.values())) > _KEPT_BYTES:
            self._answers = {}
        return answers
