"""The owner's actions on a job, cancel and retry, and the way in which a job comes to wait for one."""

from __future__ import annotations

from typing import Any

from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.job import Job, move, own_job, update
from kling_pipeline.storage.job_states import ACTIVE
from kling_pipeline.storage.store import Connection, bump

STEP_FAILED = "step_failed"
_ASK_AGAIN = 60.0  # seconds; what waits for its owner may still heal by itself


def ask_owner(
    db: Connection,
    engine: Engine,
    job: Job,
    error: dict[str, Any],
    *,
    status: str = "undecided",
    **changes: Any,
) -> Job | None:
    """Leave a job to its owner, credits held: `error` says why, and what can be done."""
    now = engine.now()
    # A step that failed three times would only fail again.
    again = None if error["code"] == STEP_FAILED else now + engine.wait(_ASK_AGAIN)
    return move(
        db, job, "unknown", now, status=status, why=error["message"], error=error,
        figures={"said": error["message"]}, next_at=again, tries=0, crashes=0, lease_owner=None,
        lease_until=None, **changes,
    )  # fmt: skip


def cancel_job(engine: Engine, owner: str, job_id: str) -> None:
    """End a job that waits, for a place or for its owner, and gives its credits back; else it is only a wish."""

    def write(db: Connection) -> None:
        job, now = own_job(db, owner, job_id), engine.now()
        if job.state in ("queued", "unknown") or is_set_aside(job):
            move(db, job, "canceled", now, status="canceled", why="canceled by the owner")
        elif job.state in ACTIVE:
            _request_cancel(db, job.id, now)

    engine.store.write(write)


def retry_job(engine: Engine, owner: str, job_id: str) -> None:
    """Resume a job that was set aside, ask Kling again or send it again, and notify the worker."""

    def write(db: Connection) -> None:
        job, now = own_job(db, owner, job_id), engine.now()
        if job.state == "unknown":
            _resume(db, job, now)
        elif is_set_aside(job):
            update(
                db, job, now, status="downloading", crashes=0, tries=0, error=None, next_at=now,
                cancel_asked=0,
            )  # fmt: skip

    engine.store.write(write)
    engine.notify(job_id)


def is_set_aside(job: Job) -> bool:
    """Return whether its result waits for the owner's word."""
    return job.state == "saving" and job.error is not None and job.lease_owner is None


def _resume(db: Connection, job: Job, now: int) -> None:
    """Where Kling has told of a task, sending again would pay twice: it is asked for again instead."""
    why = "taken up by the owner"
    fresh: dict[str, Any] = {
        "next_at": now, "error": None, "tries": 0, "absences": 0, "cancel_asked": 0,
    }  # fmt: skip
    step_failed = bool(job.error and job.error.get("code") == STEP_FAILED)
    if job.started_at is not None:
        move(db, job, "running", now, status="generating", why=why, doubt_since=None, **fresh)
    elif step_failed and job.fence_until is not None:
        move(db, job, "checking", now, status="checking", why=why, doubt_since=now, **fresh)
    else:
        # As if it had never been sent: it is the owner's word that counts from here on.
        fresh_start = {
            name: value for name, value in job.checkpoint.items() if name != "unanswered"
        }
        move(
            db, job, "queued", now, status="queued", why="sent again by the owner", progress=0,
            fence_until=None, checkpoint=fresh_start, **fresh,
        )  # fmt: skip


def _request_cancel(db: Connection, job_id: str, now: int) -> None:
    """Note that the owner would rather not have it, without a new version: whoever works on it goes on."""
    db.execute(
        "UPDATE job SET cancel_asked = 1, updated_at = ?, rev = ? WHERE id = ?",
        [now, bump(db), job_id],
    )
