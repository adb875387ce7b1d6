"""What looks that bring no readable answer mean for a job that Kling has: later, said, and at last the owner's.

None of them fails a paid job, and none sends it again.
"""

from __future__ import annotations

from kling_pipeline.errors import KlingError
from kling_pipeline.jobs.actions import ask_owner
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.job import Job, touch, update
from kling_pipeline.jobs.reconcile import backoff, quote_error
from kling_pipeline.storage.store import Connection

POLL_FAILURES = (
    "unreadable",
    "unanswered",
)  # what a running job says while Kling does not tell of it
_SHOWN_AFTER = 2  # looks; one alone may be a hiccup
_SURE_AFTER = 3
# An answer that is Kling's own but cannot be read stays as it is; a gateway's, or a refusal, may pass.
_OWN_SECONDS, _OTHER_SECONDS = 5 * 60.0, 15 * 60.0
_REPLY_LENGTH = 240  # characters


def record_failed_poll(
    db: Connection, engine: Engine, job: Job, error: KlingError, at: int
) -> None:
    """Note a look at a running job that told nothing; it is asked for again at `at` (ms) at the earliest."""
    now, tries = engine.now(), job.tries + 1
    # Only answers in a row count: what was told on each side of a silence is two hiccups.
    count, since = (job.absences + 1, job.doubt_since or now) if error.answered else (0, None)
    if (
        since is not None
        and count >= _SURE_AFTER
        and now - since >= _failure_timeout(engine, error)
    ):
        ask_owner(db, engine, job, answer_unreadable_error(error), doubt_since=None)
        return
    later = max(at, now + engine.wait(backoff(job.tries, 2, 60)))
    status = "unreadable" if error.answered else "unanswered"
    figures = quote_error(error)
    kept = {"next_at": later, "tries": tries, "absences": count, "doubt_since": since}
    if tries < _SHOWN_AFTER or job.status == {**figures, "code": status}:
        touch(db, job, **kept)
    else:
        update(db, job, now, status=status, figures=figures, **kept)


def record_successful_poll(db: Connection, job: Job, now: int, at: int) -> None:
    """Kling tells that it goes on: what was said of misses is over."""
    well = {"next_at": at, "tries": 0, "crashes": 0, "absences": 0, "doubt_since": None}
    if job.status.get("code") in POLL_FAILURES:
        update(db, job, now, status="generating", **well)
    else:
        touch(db, job, **well)


def answer_unreadable_error(error: KlingError) -> dict[str, str]:
    """Return what the owner of a job is told whose task cannot be read."""
    return {
        "code": "answer_unreadable",
        "message": f"Kling has this take, and tells nothing readable of it: {error.message[:_REPLY_LENGTH]}",
        "next": "Ask again, or take the credits back. Kling may have charged it.",
    }


def _failure_timeout(engine: Engine, error: KlingError) -> int:
    own = error.http_status is not None and 200 <= error.http_status < 300
    return engine.wait(_OWN_SECONDS if own else _OTHER_SECONDS)
