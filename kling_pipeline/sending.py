"""From `queued` to `running`: the only place where money can move, and the search for a task whose answer was lost.

The intent is committed before the POST. The POST carries a token of its own that dies soon; once it has died, "no such
task" is proof that the POST will never be accepted, and only then is the request sent again, with the same id.
"""

from __future__ import annotations

import math
import random
from functools import partial
from typing import Any

from kling_pipeline import dialects
from kling_pipeline.capability import Route
from kling_pipeline.engine import LEASE_SECONDS, Engine
from kling_pipeline.errors import InputError, KlingError
from kling_pipeline.failpoint import failpoint
from kling_pipeline.inbox import thaw
from kling_pipeline.jobs import Job, find_job, move, touch, update
from kling_pipeline.pauses import pause, paused, unpause
from kling_pipeline.places import has_place, lower_cap
from kling_pipeline.polling import newest_first
from kling_pipeline.store import Connection

_TOKEN_SECONDS = 60.0
_SKEW_SECONDS = 2.0
_ASK_SECONDS = 60.0
_PAGES = 20
_CLOCKS_MS = 2 * 3600 * 1000  # by so much ours may have been ahead of Kling's when the job was made
_LOOKUP_SECONDS = 15 * 60.0  # how long a doubtful create without a fence is looked for


def send(engine: Engine, job: Job) -> None:
    """Sends a queued job if there is a place for it, after the calls that come before its task."""
    claimed = engine.store.write(lambda db: _claim(db, engine, job.id))
    if claimed is None:
        return
    failpoint("claimed")
    engine.in_hand.add(claimed.id)
    try:
        _send_claimed(engine, claimed)
    finally:
        engine.in_hand.discard(claimed.id)


def _send_claimed(engine: Engine, claimed: Job) -> None:
    try:
        ready = _prepare(engine, claimed)
        if ready is None:
            return
        body = thaw(engine, ready.owner, _body(engine, ready))
    except (InputError, OSError, KlingError) as error:
        _unprepared(engine, claimed, error)
        return
    again = _send_once(engine, ready, body)
    if again is not None:
        _send_once(engine, again, body)


def _prepare(engine: Engine, job: Job) -> Job | None:
    """Makes the steps that are still missing, each checkpointed; None when the job was taken away."""
    if not engine.catalog.model(job.capability, job.model).steps:
        return job
    capability, fields = engine.catalog.capability(job.capability), job.request["fields"]
    known = job.checkpoint["known"]
    for call in capability.steps(fields, known):
        body = thaw(engine, job.owner, call.lay(fields, known))
        data = engine.client.ask(call.path, body, engine.settings.scaled(_ASK_SECONDS))
        failpoint("step")
        known = {**known, call.kept: {**call.read(data, known), "asked": call.asked(fields)}}
        moved = engine.store.write(partial(_checkpoint, engine=engine, job=job, known=known))
        if moved is None:
            return None
        job = moved
    return job


def _checkpoint(db: Connection, *, engine: Engine, job: Job, known: dict[str, Any]) -> Job | None:
    until = engine.now() + engine.wait(LEASE_SECONDS)
    return touch(db, job, checkpoint={**job.checkpoint, "known": known}, lease_until=until)


def _body(engine: Engine, job: Job) -> dict[str, Any]:
    fields, known = job.request["fields"], job.checkpoint["known"]
    return engine.catalog.body(job.capability, job.model, fields, known)


def _unprepared(engine: Engine, job: Job, error: InputError | OSError | KlingError) -> None:
    """A step that Kling did not answer costs at most 0.05 unit, so it may simply be made again."""
    with engine.store.read() as db:
        current = find_job(db, job.id)
    if current is None or current.lease_owner != engine.me:
        return
    if not isinstance(error, KlingError):
        _fail(engine, current, getattr(error, "code", "input_missing"), str(error))
    elif error.verdict == "uncertain":
        delay = engine.wait(_backoff(current.tries, 1, 30))
        now = engine.now()
        engine.store.write(
            lambda db: _requeue(db, current, now, now + delay, "waiting", error.message)
        )
    elif error.verdict in ("absent", "exists"):
        _fail(engine, current, error.code, error.message)
    elif error.verdict == "token":
        engine.store.write(lambda db: _pause_all(db, engine, current, error))
    else:
        _answered(engine, current, error)


def _send_once(engine: Engine, job: Job, body: Any) -> Job | None:
    """One POST; the job when Kling refused its token and it may be signed anew."""
    intent = engine.store.write(lambda db: _intend(db, engine, job))
    if intent is None:
        return None
    failpoint("intent")
    try:
        task = _post(engine, intent, body)
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
        task = _find(engine, route, job)
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


def _find(engine: Engine, route: Route, job: Job) -> dialects.Task:
    """By our id, or, where an endpoint takes Kling's ids only, by its echo in the list; KlingError "absent"."""
    if route.find:
        return engine.client.find(route, job.external_task_id)
    ordered = True
    for page in range(1, _PAGES + 1):
        tasks = engine.client.look_many(route, page)
        ordered = ordered and newest_first(tasks)
        for task in tasks:
            if task.external_id == job.external_task_id:
                return task
        older = ordered and tasks and tasks[-1].created_ms < job.created_at - _CLOCKS_MS
        if len(tasks) < 500 or older:
            raise KlingError("No task bears this id.", "absent")
    raise KlingError("The list is too long to prove anything.", "uncertain")


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
    public = engine.settings.studio_public_url
    callback = f"{public.rstrip('/')}/callbacks/kling" if public else None
    body = dialects.body(route, fields, job.external_task_id, callback)
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
    # A clock that was set since then shows in the answer that was just read.
    skew = max(_SKEW_SECONDS, engine.client.skew)
    fence = int(max(job.fence_until or 0, job.checkpoint.get("expires", 0) + skew) * 1000)
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
        task = _find(engine, engine.catalog.route(job.route), job)
    except KlingError:
        engine.store.write(lambda db: touch(db, job, next_at=engine.now() + engine.wait(60)))
        return
    adopt(engine, job, task)
