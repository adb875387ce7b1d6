"""What an owner decides about a job that is on its way."""

from __future__ import annotations

from kling_pipeline.engine import Engine
from kling_pipeline.jobs import move, own_job, update
from kling_pipeline.store import Connection, bump


def cancel_job(engine: Engine, owner: str, job_id: str) -> None:
    """Ends a queued or unknown job and gives its credits back; later it is only a wish, noted on the job."""

    def write(db: Connection) -> None:
        job, now = own_job(db, owner, job_id), engine.now()
        if job.state in ("queued", "unknown"):
            move(db, job, "canceled", now, say="canceled", why="canceled by the owner")
        elif job.state in ("sending", "checking", "running", "saving"):
            _wish_away(db, job.id, now)

    engine.store.write(write)


def retry_job(engine: Engine, owner: str, job_id: str) -> None:
    """Takes a job up that was set aside, or sends an unknown one again, and rings."""

    def write(db: Connection) -> None:
        job, now = own_job(db, owner, job_id), engine.now()
        if job.state == "unknown":
            move(
                db, job, "queued", now, say="queued", why="sent again by the owner",
                progress=0, next_at=now, error=None, fence_until=None,
            )  # fmt: skip
        elif job.state == "saving" and job.error:
            update(db, job, now, say="downloading", crashes=0, error=None, next_at=now)

    engine.store.write(write)
    engine.ring(job_id)


def _wish_away(db: Connection, job_id: str, now: int) -> None:
    """Notes that the owner would rather not have it, without a new version: whoever works on it goes on."""
    db.execute(
        "UPDATE job SET cancel_asked = 1, updated_at = ?, rev = ? WHERE id = ?",
        [now, bump(db), job_id],
    )
