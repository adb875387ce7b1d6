"""From `checking` to `running`: the search for a task whose answer was lost, and what its absence proves.

The request carried a token that dies. Once it has died, "no such task" proves that the request will never be accepted,
and only then is the job queued again, with the same id.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from kling_pipeline.errors import KlingError
from kling_pipeline.jobs.actions import ask_owner
from kling_pipeline.jobs.endpoints import route_of
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.failpoint import failpoint
from kling_pipeline.jobs.job import Job, move, touch, update
from kling_pipeline.jobs.lookup import Inconclusive, claim_task, find_task, look_at
from kling_pipeline.jobs.pause import unpause
from kling_pipeline.jobs.unanswered_creates import retries_exhausted, send_refused_error
from kling_pipeline.kling.dialects import Task
from kling_pipeline.storage.store import Connection

SKEW_SECONDS = 2.0
_LIST_EVERY, _HOUR = (
    10,
    3600.0,
)  # looks at a job of unknown outcome, and the longest time between two
_REPLY_LENGTH = 240  # characters
_LOOKUP_SECONDS = 15 * 60.0  # how long a doubtful create without a fence is looked for


def check(engine: Engine, job: Job) -> None:
    """Look for the task of a doubtful create: adopts it, waits, or, when absence is proved, queues it again."""
    asked = engine.now()
    # Only what is proof should cost the reading of a list.
    proof = asked > _fence(engine, job)
    if engine.client.unfenced:
        proof = job.tries % 4 == 3 or asked > _lookup_timeout(engine, job)
    try:
        task = find_task(engine, route_of(engine, job), job, thorough=proof)
    except KlingError as error:
        missed = error
        later = _absent if error.verdict == "absent" else _unanswered_lookup
        if isinstance(error, Inconclusive):
            later = _inconclusive
        engine.store.write(lambda db: later(db, engine, job, asked, missed))
        return
    adopt(engine, job, task)


def recheck(engine: Engine, job: Job) -> None:
    """Look once more for a task that its owner is asked about: the first thing readable ends the doubt.

    Less and less often, since it may wait for days; a list costs many pages, so it is read now and then only.
    """
    route = route_of(engine, job)
    try:
        # One that was running is asked for by its own id, whose answer nobody can mistake.
        was_running = job.started_at is not None
        thorough = job.tries % _LIST_EVERY == 0
        task = (
            look_at(engine, route, job)
            if was_running
            else find_task(engine, route, job, thorough=thorough)
        )
    except KlingError:
        # Three looks at each distance: an outage that has just begun may soon be over.
        later = engine.now() + engine.wait(backoff(job.tries // 3, 60, _HOUR))
        engine.store.write(lambda db: touch(db, job, tries=job.tries + 1, next_at=later))
        return
    adopt(engine, job, task)


def adopt(engine: Engine, job: Job, task: Task) -> None:
    """Kling has it: the job runs under this task."""
    now = engine.now()

    def write(db: Connection) -> None:
        unpause(db)
        provider_id = claim_task(db, job, task)
        move(
            db, job, "running", now, status="generating", progress=20, provider_task_id=provider_id,
            started_at=job.started_at or now, next_at=now + engine.wait(1), tries=0, crashes=0,
            absences=0, fence_until=None, doubt_since=None, error=None, lease_owner=None,
            lease_until=None,
        )  # fmt: skip

    engine.store.write(write)
    failpoint("adopted")


def _absent(db: Connection, engine: Engine, job: Job, asked: int, error: KlingError) -> None:
    """Not found. Proof needs the fence to be down when it was asked, and two looks after it."""
    if job.checkpoint.get("exists"):
        return _inconclusive(db, engine, job, asked, error)
    proof = _unfenced if engine.client.unfenced else _fenced
    proof(db, engine, job, asked)


def _unanswered_lookup(
    db: Connection, engine: Engine, job: Job, asked: int, error: KlingError
) -> None:
    """Kling did not answer, or in words that say nothing: those are not listened to for ever."""
    if error.answered and asked > max(_fence(engine, job), _lookup_timeout(engine, job)):
        _give_up(db, engine, job, error.message)
        return
    now = engine.now()
    later = {"tries": job.tries + 1, "next_at": now + engine.wait(backoff(job.tries, 2, 60))}
    status, figures = ("checking", {}) if error.answered else ("unanswered", quote_error(error))
    if job.status == {**figures, "code": status} or not job.tries:
        touch(db, job, **later)
    else:
        update(db, job, now, status=status, figures=figures, **later)


def _inconclusive(db: Connection, engine: Engine, job: Job, asked: int, error: KlingError) -> None:
    """Kling answers, and no answer of this kind will ever prove anything."""
    if asked > max(_fence(engine, job), _lookup_timeout(engine, job)):
        _give_up(db, engine, job)
    else:
        _unanswered_lookup(db, engine, job, asked, error)


def _fence(engine: Engine, job: Job) -> int:
    """Return the moment (ms) after which Kling can no longer accept the create."""
    # A clock that was set since then shows in the answers that were just read.
    skew = max(SKEW_SECONDS, engine.client.skew)
    return int(max(job.fence_until or 0, job.checkpoint.get("expires", 0) + skew) * 1000)


def _lookup_timeout(engine: Engine, job: Job) -> int:
    """Until when (ms) a doubtful create that no proof can end is looked for."""
    return (job.doubt_since or engine.now()) + engine.wait(_LOOKUP_SECONDS)


def _fenced(db: Connection, engine: Engine, job: Job, asked: int) -> None:
    now, fence = engine.now(), _fence(engine, job)
    if asked <= fence:
        soon = min(now + engine.wait(backoff(job.tries, 2, 5)), fence + 1)
        touch(db, job, tries=job.tries + 1, next_at=max(soon, now + 1))
    elif job.absences < 1:
        touch(db, job, absences=job.absences + 1, next_at=now + engine.wait(1))
    else:
        _requeue_absent(db, engine, job, "proved absent after the fence")


def _unfenced(db: Connection, engine: Engine, job: Job, asked: int) -> None:
    """An API key has no expiry to wait for: only where Kling refuses a repeated id is a second send safe."""
    now = engine.now()
    if asked < _lookup_timeout(engine, job):
        delay = engine.wait(backoff(job.tries, 2, 15))
        touch(db, job, tries=job.tries + 1, next_at=now + delay)
    elif route_of(engine, job).duplicate_refused:
        _requeue_absent(db, engine, job, "not found for 15 minutes; Kling refuses a repeat")
    else:
        _give_up(db, engine, job)


def _give_up(db: Connection, engine: Engine, job: Job, reply: str = "") -> None:
    """Nobody can tell whether Kling has it: the owner decides, unless the task turns up."""
    unanswered = job.checkpoint.get("unanswered", {})
    reply = reply or (str(unanswered.get("said", "")) if unanswered.get("status") else "")
    cause = f"Kling's answers cannot be read ({reply})" if reply else "Kling never answered"
    error = {
        "code": "outcome_unknown",
        "message": f"{cause}, and nothing was found. It may or may not be charged there.",
        "next": "Release the credits, or send it again if you accept that it may be billed twice.",
    }
    ask_owner(db, engine, job, error, status="unknown")


def _requeue_absent(db: Connection, engine: Engine, job: Job, why: str) -> None:
    """Kling has no such task: once more, unless it has been as vain often enough."""
    now, unanswered = engine.now(), job.checkpoint.get("unanswered", {})
    if retries_exhausted(unanswered):
        ask_owner(db, engine, job, send_refused_error(unanswered), fence_until=None, absences=0)
    else:
        requeue(db, job, now, now, "queued", why)


def quote_error(error: KlingError) -> dict[str, str]:
    """Return the figures of a look or a send that went wrong: what its owner is told of the cause."""
    return {"said": error.message[:_REPLY_LENGTH]}


def requeue(
    db: Connection,
    job: Job,
    now: int,
    at: int,
    status: str,
    why: str,
    *,
    figures: Mapping[str, str] | None = None,
    **changes: Any,
) -> None:
    """Back to the queue, to be looked at again at a time (ms)."""
    move(
        db, job, "queued", now, status=status, why=why, progress=0, next_at=at, tries=job.tries + 1,
        fence_until=None, absences=0, doubt_since=None, lease_owner=None, lease_until=None,
        figures={**(figures or {}), "at": at}, **changes,
    )  # fmt: skip


def backoff(tries: int, first: float, most: float) -> float:
    """Seconds, doubling, with jitter."""
    return float(min(most, first * 2 ** min(tries, 10)) * random.uniform(0.8, 1.2))
