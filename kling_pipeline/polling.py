"""One look for all running tasks: list pages first, newest first, then single looks for what is missing.

A poll error never fails a job. Queries take no place in Kling's concurrency (Kling docs, concurrency, Sept 2026).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from kling_pipeline.capability import Route
from kling_pipeline.dialects import Task
from kling_pipeline.durations import Typical, ease, is_late, learn, next_look
from kling_pipeline.engine import Engine
from kling_pipeline.errors import KlingError
from kling_pipeline.failpoint import failpoint
from kling_pipeline.jobs import Job, move, touch, update, wished_away
from kling_pipeline.store import Connection, set_meta
from kling_pipeline.tasks import claim_task, look_at, newest_first

log = logging.getLogger(__name__)
PAGE = 500
SINGLE_LOOKS = 20
_SILENT = 3  # single looks without a readable answer, after which the rest waits for the next tick


def poll(engine: Engine) -> list[str]:
    """Asks Kling for every running job that is due; ids of the jobs that are now to be saved."""
    now = engine.now()
    with engine.store.read() as db:
        rows = db.execute(
            "SELECT * FROM job WHERE state = 'running' ORDER BY started_at"
        ).fetchall()
    running = [Job.from_row(row) for row in rows]
    by_route: dict[str, list[Job]] = {}
    for job in running:
        by_route.setdefault(job.route, []).append(job)
    ready: list[str] = []
    for route_id, jobs in by_route.items():
        due = [job for job in jobs if (job.next_at or 0) <= now]
        if due:
            ready += _poll_route(engine, engine.catalog.route(route_id), jobs, due)
    return ready


def _poll_route(engine: Engine, route: Route, jobs: list[Job], due: list[Job]) -> list[str]:
    found = _list(engine, route, jobs, due)
    missing = sorted((job for job in due if job.id not in found), key=lambda job: job.next_at or 0)
    silent = 0
    for job in missing[:SINGLE_LOOKS]:
        try:
            found[job.id] = look_at(engine, route, job)
        except KlingError as error:
            log.warning("look at %s: %s", job.external_task_id, error.code)
            # Each may last a whole time-out, and everything else waits for this tick.
            silent += error.verdict == "uncertain"
            if silent == _SILENT:
                break
    failpoint("polled")
    return engine.store.write(lambda db: _record(db, engine, jobs, due, found))


def _list(engine: Engine, route: Route, jobs: list[Job], due: list[Job]) -> dict[str, Task]:
    """Tasks by job id, from as few pages as will show every job that is due."""
    by_id = {job.provider_task_id: job for job in jobs}
    by_ours = {job.external_task_id: job for job in jobs}
    missing = {job.id for job in due}
    oldest = min(job.created_at for job in due)
    found: dict[str, Task] = {}
    page = 1
    while missing and page <= len(due):
        try:
            tasks = engine.client.look_many(route, page, PAGE)
        except KlingError as error:
            log.warning("list %s: %s", route.path, error.code)
            break
        for task in tasks:
            # Our own id cannot be guessed; a task id counts only where the answer bears no id of its maker.
            job = by_ours.get(task.external_id) if task.external_id else by_id.get(task.id)
            if job is not None:
                found.setdefault(job.id, task)
                missing.discard(job.id)
        if not newest_first(tasks):
            engine.store.write(lambda db: set_meta(db, f"unordered:{route.id}", engine.now()))
            break
        # A minute of slack: the two clocks need not agree.
        if len(tasks) < PAGE or tasks[-1].created_ms < oldest - 60_000:
            break
        page += 1
    return found


def _record(
    db: Connection, engine: Engine, jobs: Iterable[Job], due: list[Job], found: dict[str, Task]
) -> list[str]:
    now, ready, usual = engine.now(), list[str](), dict[str, Typical]()
    late = {job.id for job in due}
    for job in jobs:
        task = found.get(job.id)
        if task is not None and task.status in ("succeeded", "failed"):
            if _finish(db, job, task, now):
                ready.append(job.id)
        elif job.id in late:
            if job.shape not in usual:
                usual[job.shape] = learn(db, engine, job.shape, job.pool)
            elapsed = now - (job.started_at or now)
            touch(db, job, next_at=now + next_look(engine, elapsed, usual[job.shape]))
    return ready


def _finish(db: Connection, job: Job, task: Task, now: int) -> bool:
    """Kling is done with it: to be saved, or failed with its reason; True when there is something to save."""
    provider_id = claim_task(db, job, task)
    if task.status == "succeeded":
        outputs = [
            {"kind": one.kind, "url": one.url, "provider_id": one.provider_id, "index": one.index}
            for one in task.outputs
        ]
        return bool(
            move(
                db, job, "saving", now, say="downloading", outputs=outputs, next_at=now, tries=0,
                units=str(task.units) if task.units is not None else None,
                took=max(0, now - (job.started_at or now)), provider_task_id=provider_id,
            )
        )  # fmt: skip
    if wished_away(db, job.id):
        move(db, job, "canceled", now, say="canceled", why=task.message)
        return False
    error = {
        "code": "kling_task_failed",
        "message": task.message or "Kling gave no reason.",
        "next": "Change the request if the reason names it, or run it again.",
    }
    move(db, job, "failed", now, say="failed", why=task.message or "failed at Kling", error=error)
    return False


def ease_all(db: Connection, engine: Engine) -> None:
    """Moves the progress of running jobs along by what is usual for them."""
    now, usual = engine.now(), dict[str, Typical]()
    for row in db.execute("SELECT * FROM job WHERE state = 'running'").fetchall():
        job = Job.from_row(row)
        if job.shape not in usual:
            usual[job.shape] = learn(db, engine, job.shape, job.pool)
        typical = usual[job.shape]
        progress = max(job.progress, ease(now - (job.started_at or now), typical))
        say = "late" if is_late(job, now, typical) else "generating"
        if progress >= job.progress + 2 or say != job.says.get("code"):
            update(db, job, now, say=say, progress=progress)
