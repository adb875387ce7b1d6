"""From `queued` to `running`: the only place where money can move, and the search for a task whose answer was lost.

The intent is committed before the POST. The POST carries a token of its own that dies soon; once it has died, "no such
task" is proof that the POST will never be accepted, and only then is the request sent again, with the same id.
"""

from __future__ import annotations

import math
import random
from typing import Any

from kling_pipeline import dialects
from kling_pipeline.engine import LEASE_SECONDS, Engine
from kling_pipeline.errors import InputError, KlingError
from kling_pipeline.failpoint import failpoint
from kling_pipeline.inbox import thaw
from kling_pipeline.jobs import Job, find_job, move, touch, update
from kling_pipeline.pauses import pause, paused, unpause
from kling_pipeline.places import has_place, lower_cap
from kling_pipeline.store import Connection

_TOKEN_SECONDS = 60.0
_SKEW_SECONDS = 2.0
_LOOKUP_SECONDS = 15 * 60.0  # how long a doubtful create without a fence is looked for


def send(engine: Engine, job: Job) -> None:
    """Sends a queued job if there is a place for it."""
    claimed = engine.store.write(lambda db: _claim(db, engine, job.id))
    if claimed is None:
        return
    failpoint("claimed")
    try:
        fields = thaw(engine, claimed.owner, claimed.request)
    except (InputError, OSError) as error:
        _fail(engine, claimed, "input_missing", f"A file of this request is gone: {error}")
        return
    again = _send_once(engine, claimed, fields)
    if again is not None:
        _send_once(engine, again, fields)


def _send_once(engine: Engine, job: Job, fields: Any) -> Job | None:
    """One POST; the job when Kling refused its token and it may be signed anew."""
    intent = engine.store.write(lambda db: _intend(db, engine, job))
    if intent is None:
        return None
    failpoint("intent")
    try:
        task = _post(engine, intent, fields)
    except KlingError as error:
        failpoint("refused")
        return _answered(engine, intent, error)
    failpoint("posted")
    adopt(engine, intent, task)
    return None


def adopt(engine: Engine, job: Job, task: dialects.Task) -> None:
    """Kling has it: the job runs under this task."""
    now = engine.now()

    def write(db: Connection) -> None:
        unpause(db)
        move(
            db, job, "running", now, say="generating", progress=20, provider_task_id=task.id,
            started_at=now, next_at=now + engine.wait(1), tries=0, absences=0, fence_until=None,
            doubt_since=None, error=None, lease_owner=None, lease_until=None,
        )  # fmt: skip

    engine.store.write(write)
    failpoint("adopted")


def check(engine: Engine, job: Job) -> None:
    """Looks for the task of a doubtful create: adopts it, waits, or, when absence is proved, queues it again."""
    route = engine.catalog.route(job.route)
    try:
        task = engine.client.find(route, job.external_task_id)
    except KlingError as error:
        if error.verdict == "absent":
            engine.store.write(lambda db: _absent(db, engine, job))
        else:
            delay = engine.wait(_backoff(job.tries, 2, 60))
            engine.store.write(
                lambda db: touch(db, job, tries=job.tries + 1, next_at=engine.now() + delay)
            )
        return
    adopt(engine, job, task)


def _claim(db: Connection, engine: Engine, job_id: str) -> Job | None:
    job, now = find_job(db, job_id), engine.now()
    if job is None or job.state != "queued" or (job.next_at or 0) > now:
        return None
    if job.cancel_asked:
        move(db, job, "canceled", now, say="canceled")
        return None
    if paused(db, now) or not has_place(db, job.pool, job.slots):
        return None
    return move(
        db, job, "sending", now, say="preparing", next_at=None, fence_until=None,
        lease_owner=engine.me, lease_until=now + engine.wait(LEASE_SECONDS),
    )  # fmt: skip


def _intend(db: Connection, engine: Engine, job: Job) -> Job | None:
    """The intent: on the disk before the request can be on its way. The fence is also the token's `exp`."""
    now = engine.now()
    expires = math.ceil(engine.clock() + _token_life(engine))
    skew = max(_SKEW_SECONDS, engine.client.skew)
    return update(
        db, job, now, say="submitting", fence_until=expires + skew, sends=job.sends + 1,
        checkpoint={**job.checkpoint, "expires": expires},
        lease_until=now + engine.wait(LEASE_SECONDS) + int(_token_life(engine) * 1000),
    )  # fmt: skip


def _token_life(engine: Engine) -> float:
    """Seconds a create's own token lives, never less than 2."""
    return max(2.0, engine.settings.scaled(_TOKEN_SECONDS))


def _post(engine: Engine, job: Job, fields: Any) -> dialects.Task:
    route = engine.catalog.route(job.route)
    body = dialects.body(route, fields, job.external_task_id, None)
    return engine.client.create(
        route, body, expires=job.checkpoint["expires"], timeout=_token_life(engine) * 0.75
    )


def _answered(engine: Engine, job: Job, error: KlingError) -> Job | None:
    """Moves a job by Kling's answer to its create; the job when it should be signed and sent once more."""
    now = engine.now()
    if error.verdict == "refused":
        _fail(engine, job, error.code, error.message)
    elif error.verdict == "exists":
        check(engine, _doubt(engine, job, error))
    elif error.verdict == "token" and job.sends < 2:
        return job
    elif error.verdict in ("account", "token"):
        engine.store.write(lambda db: _pause_all(db, engine, job, error))
    elif error.verdict == "busy":
        engine.store.write(lambda db: _wait_for_place(db, engine, job, error))
    elif not error.sent:
        delay = engine.wait(_backoff(job.tries, 1, 30))
        engine.store.write(
            lambda db: _requeue(db, job, now, now + delay, "waiting", f"not sent: {error.message}")
        )
    else:
        _doubt(engine, job, error)
    return None


def _fail(engine: Engine, job: Job, code: str, message: str) -> None:
    error = {"code": code, "message": message, "next": "Change the request and send it again."}
    engine.store.write(
        lambda db: move(db, job, "failed", engine.now(), say="failed", why=message, error=error)
    )


def _doubt(engine: Engine, job: Job, error: KlingError) -> Job:
    now = engine.now()
    moved = engine.store.write(
        lambda db: move(
            db, job, "checking", now, say="checking", why=error.message, tries=0, absences=0,
            doubt_since=now, next_at=now + engine.wait(2), lease_owner=None, lease_until=None,
        )
    )  # fmt: skip
    failpoint("doubted")
    return moved or job


def _pause_all(db: Connection, engine: Engine, job: Job, error: KlingError) -> None:
    until = pause(db, engine, error)
    _requeue(db, job, engine.now(), until, "paused", error.message)


def _wait_for_place(db: Connection, engine: Engine, job: Job, error: KlingError) -> None:
    now = engine.now()
    lower_cap(db, job.pool, job.id, now)
    delay = engine.wait(_backoff(job.tries, 1, 30))
    _requeue(db, job, now, now + delay, "waiting", error.message)


def _requeue(db: Connection, job: Job, now: int, at: int, say: str, why: str) -> None:
    move(
        db, job, "queued", now, say=say, why=why, progress=0, next_at=at, tries=job.tries + 1,
        fence_until=None, absences=0, doubt_since=None, lease_owner=None, lease_until=None,
        figures={"at": at},
    )  # fmt: skip


def _absent(db: Connection, engine: Engine, job: Job) -> None:
    """Not found. Proof needs the fence to be down, and two looks after it."""
    now = engine.now()
    proof = _unfenced if engine.client.unfenced else _fenced
    proof(db, engine, job, now)


def _fenced(db: Connection, engine: Engine, job: Job, now: int) -> None:
    fence = int((job.fence_until or 0) * 1000)
    if now <= fence:
        soon = min(now + engine.wait(_backoff(job.tries, 2, 5)), fence + 1)
        touch(db, job, tries=job.tries + 1, next_at=max(soon, now + 1))
    elif job.absences < 1:
        touch(db, job, absences=job.absences + 1, next_at=now + engine.wait(1))
    else:
        _requeue(db, job, now, now, "queued", "proved absent after the fence")


def _unfenced(db: Connection, engine: Engine, job: Job, now: int) -> None:
    """An API key has no expiry to wait for: only where Kling refuses a repeated id is a second send safe."""
    if now < (job.doubt_since or now) + engine.wait(_LOOKUP_SECONDS):
        delay = engine.wait(_backoff(job.tries, 2, 15))
        touch(db, job, tries=job.tries + 1, next_at=now + delay)
    elif engine.catalog.route(job.route).duplicate_refused:
        _requeue(db, job, now, now, "queued", "not found for 15 minutes; Kling refuses a repeat")
    else:
        error = {
            "code": "outcome_unknown",
            "message": "Kling never answered, and nothing was found. It may or may not be charged there.",
            "next": "Release the credits, or send it again if you accept that it may be billed twice.",
        }
        move(
            db, job, "unknown", now, say="unknown", why="outcome unknown", error=error,
            next_at=now + engine.wait(60), tries=0, lease_owner=None, lease_until=None,
        )  # fmt: skip


def _backoff(tries: int, first: float, most: float) -> float:
    """Seconds, doubling, with jitter."""
    return float(min(most, first * 2 ** min(tries, 10)) * random.uniform(0.8, 1.2))


def recheck(engine: Engine, job: Job) -> None:
    """Looks once more for a task whose outcome is unknown: the first thing found ends the doubt."""
    try:
        task = engine.client.find(engine.catalog.route(job.route), job.external_task_id)
    except KlingError:
        engine.store.write(lambda db: touch(db, job, next_at=engine.now() + engine.wait(60)))
        return
    adopt(engine, job, task)
