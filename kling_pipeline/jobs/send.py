"""Sending, `queued` to `running`: the only step that spends money at Kling.

The intent is committed before the POST, and the POST carries a token of its own that dies soon: `reconcile.py` explains
what for.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from kling_pipeline.catalog.declaration import Route
from kling_pipeline.errors import InputError, KlingError
from kling_pipeline.jobs.actions import ask_owner
from kling_pipeline.jobs.concurrency import has_capacity, lower_cap, throttle
from kling_pipeline.jobs.endpoints import route_of
from kling_pipeline.jobs.engine import LEASE_SECONDS, Engine
from kling_pipeline.jobs.failpoint import failpoint
from kling_pipeline.jobs.inputs import thaw
from kling_pipeline.jobs.job import Job, find_job, move, touch, update
from kling_pipeline.jobs.pause import pause, paused
from kling_pipeline.jobs.reconcile import SKEW_SECONDS, adopt, backoff, check, quote_error, requeue
from kling_pipeline.jobs.sessions import read_answer
from kling_pipeline.jobs.unanswered_creates import (
    count_unanswered,
    retries_exhausted,
    send_refused_error,
)
from kling_pipeline.kling import dialects
from kling_pipeline.storage.store import Connection

_TOKEN_SECONDS = 60.0
_ASK_SECONDS = 60.0
_GONE = "A file of this request is no longer on the studio's disk."
_STEPS = 10  # unreadable answers to the calls before a task, after which its owner decides
_TOO_FAST = 1302  # Kling docs, error codes, Sept 2026; 1303 is the limit of tasks in flight


def send(engine: Engine, job: Job) -> None:
    """Send a queued job if there is a place for it, after the calls that come before its task."""
    claimed = engine.store.write(lambda db: _claim(db, engine, job.id))
    if claimed is None:
        return
    failpoint("claimed")
    engine.active_jobs.add(claimed.id)
    try:
        _send_claimed(engine, claimed)
    finally:
        engine.active_jobs.discard(claimed.id)


def _send_claimed(engine: Engine, claimed: Job) -> None:
    try:
        ready = _prepare(engine, claimed)
        if ready is None:
            return
        route = route_of(engine, ready)
        body = thaw(engine, ready.owner, _body(engine, ready))
    except (InputError, FileNotFoundError, KlingError) as error:
        _handle_step_error(engine, claimed, error)
        return
    again = _send_once(engine, ready, route, body)
    if again is not None:
        _send_once(engine, again, route, body, resigned=True)


def _prepare(engine: Engine, job: Job) -> Job | None:
    """Make the steps that are still missing, each checkpointed; None when the job was taken away."""
    capability, model = engine.catalog.sold(job.capability, job.model, job.route)
    if not model.steps:
        return job
    fields, step_results = job.request["fields"], job.checkpoint["step_results"]
    for call in capability.steps(fields, step_results):
        body = thaw(engine, job.owner, call.build(fields, step_results))
        data = engine.client.ask(call.path, body, engine.settings.scaled(_ASK_SECONDS))
        failpoint("step")
        kept = read_answer(call, data, step_results)
        step_results = {**step_results, call.result_key: {**kept, "asked": call.asked(fields)}}
        moved = engine.store.write(
            partial(_checkpoint, engine=engine, job=job, step_results=step_results)
        )
        if moved is None:
            return None
        job = moved
    return job


def _checkpoint(
    db: Connection, *, engine: Engine, job: Job, step_results: dict[str, Any]
) -> Job | None:
    until = engine.now() + engine.wait(LEASE_SECONDS)
    return touch(
        db, job, checkpoint={**job.checkpoint, "step_results": step_results}, lease_until=until
    )


def _body(engine: Engine, job: Job) -> dict[str, Any]:
    fields, step_results = job.request["fields"], job.checkpoint["step_results"]
    return engine.catalog.body(job.capability, job.model, fields, step_results, job.route)


def _handle_step_error(
    engine: Engine, job: Job, error: InputError | FileNotFoundError | KlingError
) -> None:
    """A step that Kling did not answer costs at most 0.05 unit, so it may simply be made again."""
    with engine.store.read() as db:
        current = find_job(db, job.id)
    if current is None or current.lease_owner != engine.process_id:
        return
    if isinstance(error, FileNotFoundError):
        # Its own text holds the path.
        _fail(engine, current, "input_missing", _GONE)
    elif isinstance(error, InputError):
        _fail(engine, current, error.code, error.message)
    elif error.verdict == "uncertain":
        engine.store.write(lambda db: _retry_step(db, engine, current, error))
    elif error.verdict in ("absent", "exists"):
        _fail(engine, current, error.code, error.message)
    elif error.verdict == "token":
        engine.store.write(lambda db: _pause_all(db, engine, current, error))
    else:
        _handle_refusal(engine, current, error)


def _retry_step(db: Connection, engine: Engine, job: Job, error: KlingError) -> None:
    now, asked = engine.now(), job.checkpoint.get("asked", 0) + int(error.answered)
    if asked >= _STEPS:
        refused = {"times": asked, "said": error.message}
        rest = {**job.checkpoint, "asked": 0}
        ask_owner(db, engine, job, send_refused_error(refused), checkpoint=rest, fence_until=None)
        return
    at = now + engine.wait(backoff(job.tries, 1, 60))
    status, figures = ("waiting", {}) if error.answered else ("unanswered", quote_error(error))
    checkpoint = {**job.checkpoint, "asked": asked}
    requeue(db, job, now, at, status, error.message, figures=figures, checkpoint=checkpoint)


def _send_once(
    engine: Engine, job: Job, route: Route, body: Any, *, resigned: bool = False
) -> Job | None:
    """One POST; the job when Kling refused its token and it was not yet signed anew."""
    intent = engine.store.write(lambda db: _intend(db, engine, job))
    if intent is None:
        return None
    failpoint("intent")
    try:
        task = _post(engine, intent, route, body)
    except KlingError as error:
        failpoint("refused")
        return _handle_refusal(engine, intent, error, resigned=resigned)
    failpoint("posted")
    adopt(engine, intent, task)
    return None


def _claim(db: Connection, engine: Engine, job_id: str) -> Job | None:
    job, now = find_job(db, job_id), engine.now()
    if job is None or job.state != "queued" or (job.next_at or 0) > now:
        return None
    if job.cancel_asked:
        move(db, job, "canceled", now, status="canceled")
        return None
    if paused(db, now) or not has_capacity(db, engine, job.pool, job.slots):
        return None
    return move(
        db, job, "sending", now, status="preparing", next_at=None, fence_until=None,
        lease_owner=engine.process_id, lease_until=now + engine.wait(LEASE_SECONDS),
    )  # fmt: skip


def _intend(db: Connection, engine: Engine, job: Job) -> Job | None:
    """Return the intent: on the disk before the request can be on its way. The fence is also the token's `exp`."""
    now = engine.now()
    expires = math.ceil(engine.clock() + _token_life(engine))
    skew = max(SKEW_SECONDS, engine.client.skew)
    return update(
        db, job, now, status="submitting", fence_until=expires + skew, sends=job.sends + 1,
        checkpoint={**job.checkpoint, "expires": expires},
        lease_until=now + engine.wait(LEASE_SECONDS) + int(_token_life(engine) * 1000),
    )  # fmt: skip


def _token_life(engine: Engine) -> float:
    """Return seconds a create's own token lives, never less than 2."""
    return max(2.0, engine.settings.scaled(_TOKEN_SECONDS))


def _post(engine: Engine, job: Job, route: Route, fields: Any) -> dialects.Task:
    public = engine.settings.studio_public_url
    callback = f"{public.rstrip('/')}/callbacks/kling" if public else None
    body = dialects.body(route, fields, job.external_task_id, callback)
    return engine.client.create(
        route, body, expires=job.checkpoint["expires"], timeout=_token_life(engine) * 0.75
    )


def _handle_refusal(
    engine: Engine, job: Job, error: KlingError, *, resigned: bool = True
) -> Job | None:
    """Move a job by Kling's answer to its create; the job when it should be signed and sent once more."""
    now = engine.now()
    if error.verdict == "refused":
        _fail(engine, job, error.code, error.message)
    elif error.verdict == "exists":
        check(engine, _start_check(engine, job, error))
    elif error.verdict == "token" and not resigned:
        return job
    elif error.verdict in ("account", "token"):
        engine.store.write(lambda db: _pause_all(db, engine, job, error))
    elif error.verdict == "busy":
        engine.store.write(lambda db: _wait_for_slot(db, engine, job, error))
    elif not error.sent:
        delay = engine.wait(backoff(job.tries, 1, 30))
        engine.store.write(
            lambda db: requeue(
                db,
                job,
                now,
                now + delay,
                "unanswered",
                f"not sent: {error.message}",
                figures=quote_error(error),
            )
        )
    else:
        _start_check(engine, job, error)
    return None


def _fail(engine: Engine, job: Job, code: str, message: str) -> None:
    error = {"code": code, "message": message, "next": "Change the request and send it again."}
    engine.store.write(
        lambda db: move(db, job, "failed", engine.now(), status="failed", why=message, error=error)
    )


def _start_check(engine: Engine, job: Job, error: KlingError) -> Job:
    now = engine.now()
    # Told that the id is taken, no silence of Kling's can prove that there is no task.
    exists = {"exists": True} if error.verdict == "exists" else {}
    moved = engine.store.write(
        lambda db: move(
            db, job, "checking", now, status="checking", why=error.message, tries=0, absences=0,
            doubt_since=now, next_at=now + engine.wait(2), lease_owner=None, lease_until=None,
            checkpoint={**count_unanswered(job, error), **exists},
        )
    )  # fmt: skip
    failpoint("doubted")
    return moved or job


def _pause_all(db: Connection, engine: Engine, job: Job, error: KlingError) -> None:
    until = pause(db, engine, error)
    _requeue_refused(db, engine, job, until, "paused", error)


def _wait_for_slot(db: Connection, engine: Engine, job: Job, error: KlingError) -> None:
    """Too many at once teaches a cap, unless none of ours is in flight: then others have the places.

    Asked too fast teaches none either; the pool rests in both cases.
    """
    now = engine.now()
    if error.service_code != _TOO_FAST and lower_cap(db, job.pool, job.id, now):
        at = now + engine.wait(backoff(job.tries, 1, 30))
    else:
        at = throttle(db, engine, job.pool)
    if error.service_code is None:
        # A gateway's word; Kling's own tells when there is a place, this one only that it is too early.
        at = max(
            at, now + engine.wait(30 * 5 ** job.checkpoint.get("unanswered", {}).get("times", 0))
        )
    _requeue_refused(db, engine, job, at, "waiting", error)


def _requeue_refused(
    db: Connection, engine: Engine, job: Job, at: int, status: str, error: KlingError
) -> None:
    """Back to the queue; what Kling says itself may be heard for ever, what a gateway says may not."""
    now = engine.now()
    if error.service_code is not None or error.http_status is None:
        requeue(db, job, now, at, status, error.message)
        return
    checkpoint = count_unanswered(job, error)
    if retries_exhausted(checkpoint["unanswered"]):
        ask_owner(
            db, engine, job, send_refused_error(checkpoint["unanswered"]), checkpoint=checkpoint, fence_until=None
        )  # fmt: skip
    else:
        requeue(db, job, now, at, status, error.message, checkpoint=checkpoint)
