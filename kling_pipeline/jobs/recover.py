"""Recovery after a crash, and every minute: expired leases are freed and their jobs queued for the next tick."""

from __future__ import annotations

import json
import logging
from typing import Any

from kling_pipeline.errors import BusyError, KlingError, StorageError, StudioError
from kling_pipeline.jobs.actions import ask_owner
from kling_pipeline.jobs.engine import LEASE_SECONDS, Engine, is_gone
from kling_pipeline.jobs.job import Job, find_job, move, touch, update
from kling_pipeline.jobs.pause import notice
from kling_pipeline.jobs.reconcile import backoff
from kling_pipeline.jobs.save_failures import CRASHES, set_aside
from kling_pipeline.jobs.unanswered_creates import count_unanswered
from kling_pipeline.storage.job_states import ENDED, OPEN, sql_states
from kling_pipeline.storage.json_sql import json_field
from kling_pipeline.storage.store import Connection, set_meta

log = logging.getLogger(__name__)
_LONGEST_WAIT = 420.0  # seconds; no back-off and no pause is longer,
_LONGEST_UNKNOWN = 4800.0  # but for a job that waits for its owner
_LEASED = "SELECT * FROM job WHERE lease_owner IS NOT NULL"


def recover_leases(engine: Engine) -> int:
    """Free what dead or silent processes held; how many jobs that were."""
    with engine.store.read() as db:
        if not any(_is_expired(engine, row) for row in db.execute(_LEASED)):
            return 0
    count = engine.store.write(lambda db: _recover_leases(db, engine))
    if count:
        log.info("took over %d jobs of a process that is gone", count)
    return count


def keep_leases(db: Connection, engine: Engine) -> None:
    """Renew what this process has in hand, without a new version."""
    until = engine.now() + engine.wait(LEASE_SECONDS)
    for job_id in tuple(engine.active_jobs):
        db.execute(
            "UPDATE job SET lease_until = ? WHERE id = ? AND lease_owner = ? AND lease_until < ?",
            [until, job_id, engine.process_id, until],
        )


def repair_times(db: Connection, engine: Engine) -> None:
    """A clock that was ahead and was set back leaves appointments that nobody ever makes so late."""
    now = engine.now()
    latest = now + engine.wait(_LONGEST_WAIT)
    db.execute(
        f"""UPDATE job SET next_at = ? WHERE next_at > CASE state WHEN 'unknown' THEN ? ELSE ? END
            AND state IN {sql_states(OPEN)}""",
        [now, now + engine.wait(_LONGEST_UNKNOWN), latest],
    )
    db.execute("UPDATE job SET doubt_since = ? WHERE doubt_since > ?", [now, now])
    db.execute("UPDATE pool SET at = ? WHERE at > ?", [now, now])
    db.execute(
        f"DELETE FROM meta WHERE key LIKE 'pace:%' AND {json_field('value', 'until')} > ?", [latest]
    )
    current = notice(db)
    if current is not None and current["until"] > latest:
        set_meta(db, "pause", json.dumps({**current, "until": now}))


def record_step_failure(engine: Engine, job_id: str, error: Exception) -> None:
    """Count what nobody expected as a crash of the step: it is tried later, and after three its owner decides."""
    log.error("a step of job %s failed", job_id, exc_info=error)
    engine.store.write(lambda db: _record_step_failure(db, engine, job_id, error))


def _record_step_failure(db: Connection, engine: Engine, job_id: str, error: Exception) -> None:
    job, now = find_job(db, job_id), engine.now()
    if job is None or job.state in ENDED or job.lease_owner not in (None, engine.process_id):
        return
    # A full disk or a locked file is nothing of this job's; what else SQLite says may well be.
    crashes = job.crashes + (not isinstance(error, StorageError | BusyError))
    at = now + engine.wait(backoff(max(job.crashes, job.tries), 15, 300))
    later: dict[str, Any] = {
        "crashes": crashes, "tries": job.tries + 1, "next_at": at, "lease_owner": None,
        "lease_until": None,
    }  # fmt: skip
    sent = job.state == "sending" and job.fence_until is not None
    if sent:
        # Whether it reached Kling is to be found out first.
        why = "stumbled while sending"
        later["checkpoint"] = count_unanswered(job, KlingError(_summary(error), "uncertain"))
        move(
            db,
            job,
            "checking",
            now,
            status="checking",
            why=why,
            absences=0,
            doubt_since=now,
            **later,
        )
    elif crashes >= CRASHES and job.state == "saving":
        set_aside(db, job, now, step_failed_error(error), crashes=crashes)
    elif crashes >= CRASHES and job.state != "unknown":
        ask_owner(db, engine, job, step_failed_error(error))
    elif job.state == "sending":
        move(db, job, "queued", now, status="queued", why="stumbled", progress=0, **later)
    else:
        touch(db, job, **later)


def step_failed_error(error: Exception) -> dict[str, str]:
    """Return what an owner is told of an exception; its text may hold anything, so only what is meant to be read."""
    return {
        "code": "step_failed",
        "message": f"The studio stumbled three times over this take ({_summary(error)}).",
        "next": "Try again, or take the credits back; the studio's log tells more.",
    }


def _summary(error: Exception) -> str:
    return error.message if isinstance(error, StudioError) else type(error).__name__


def _recover_leases(db: Connection, engine: Engine) -> int:
    jobs = [Job.from_row(row) for row in db.execute(_LEASED) if _is_expired(engine, row)]
    for job in jobs:
        _recover_job(db, engine, job, engine.now(), crashed=is_gone(job.lease_owner or ""))
    return len(jobs)


def _is_expired(engine: Engine, row: Any) -> bool:
    """Its time is up, or its holder is gone: at once if that ran on this host.

    What a thread of this very process has in hand is not free, however long Kling lets it wait.
    """
    if row["lease_owner"] == engine.process_id and row["id"] in engine.active_jobs:
        return False
    return row["lease_until"] < engine.now() or is_gone(row["lease_owner"])


def _recover_job(db: Connection, engine: Engine, job: Job, now: int, *, crashed: bool) -> None:
    released: dict[str, Any] = {"lease_owner": None, "lease_until": None, "next_at": now}
    local = job.status.get("code") == "storing"
    if job.state == "sending" and job.fence_until is None:
        move(
            db,
            job,
            "queued",
            now,
            status="queued",
            why="stopped before sending",
            progress=0,
            **released,
        )
    elif job.state == "sending":
        move(
            db, job, "checking", now, status="checking", why="stopped while sending", tries=0,
            absences=0, doubt_since=now, **released,
        )  # fmt: skip
    elif job.state == "saving" and crashed and local and job.crashes + 1 >= CRASHES:
        error = {
            "code": "set_aside",
            "message": "The studio stopped three times while storing this result.",
            "next": "Kling has the result for 30 days. Try again, or look at doctor.",
        }
        set_aside(db, job, now, error, crashes=job.crashes + 1)
    else:
        update(db, job, now, crashes=job.crashes + int(crashed and local), **released)
