"""One look for all running tasks: list pages first, newest first, then single looks for what is missing.

A poll error never fails a job. Queries take no place in Kling's concurrency (Kling docs, concurrency, Sept 2026).
"""

from __future__ import annotations

import logging
import time

from kling_pipeline.catalog.declaration import Route
from kling_pipeline.errors import KlingError
from kling_pipeline.jobs.endpoints import freeze_route, route_of
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.estimates import (
    Typical,
    estimate_progress,
    is_late,
    learn_duration,
    next_look,
)
from kling_pipeline.jobs.failed_polls import (
    POLL_FAILURES,
    record_failed_poll,
    record_successful_poll,
)
from kling_pipeline.jobs.failpoint import failpoint
from kling_pipeline.jobs.job import Job, cancel_requested, move, update
from kling_pipeline.jobs.lookup import claim_task, look_at, newest_first, output_rows
from kling_pipeline.jobs.recover import record_step_failure
from kling_pipeline.kling.dialects import Task
from kling_pipeline.storage.store import Connection, set_meta

log = logging.getLogger(__name__)
PAGE = 500
SINGLE_LOOKS = 20
_MOST_FAILURES = (
    3  # looks without any answer, lists among them, after which the rest waits for the next tick
)
_ALONE_AFTER = 3  # lists without any answer, after which a job is looked at alone
_TICK_SECONDS = 60.0
_OVERDUE_SECONDS = 60 * 60.0  # where nothing is known yet of what is usual


def poll(engine: Engine) -> list[str]:
    """Ask Kling for every running job that is due; ids of the jobs that are now to be saved."""
    now = engine.now()
    ready: list[str] = []
    budget = _TickBudget(engine)
    # Whoever waits longest first: what a tick has no time for is at the head of the next one.
    for route, jobs, due in sorted(_due_routes(engine, now), key=lambda one: _oldest(one[2])):
        if budget.spent or engine.stopping.is_set():
            break
        try:
            ready += _poll_route(engine, route, jobs, due, budget)
        except Exception:  # one endpoint's trouble is its own
            log.exception("poll %s", route.path)
    return ready


def _oldest(due: list[Job]) -> int:
    return min(job.next_at or 0 for job in due)


def _due_routes(engine: Engine, now: int) -> list[tuple[Route, list[Job], list[Job]]]:
    """Return each endpoint with its running jobs, and those of them that are due."""
    with engine.store.read() as db:
        rows = db.execute(
            "SELECT * FROM job WHERE state = 'running' ORDER BY started_at"
        ).fetchall()
    groups: dict[str, tuple[Route, list[Job], list[Job]]] = {}
    for job in map(Job.from_row, rows):
        is_due = (job.next_at or 0) <= now
        try:
            route = route_of(engine, job)
            # By all its facts: a row that was frozen with others must not say how its neighbours are read.
            _, jobs, due = groups.setdefault(freeze_route(route), (route, [], []))
        except Exception as error:
            # Nobody knows any more where to ask for it: its own trouble, and nobody else's.
            if is_due:
                record_step_failure(engine, job.id, error)
            continue
        jobs.append(job)
        due += [job] if is_due else []
    return [one for one in groups.values() if one[2]]


class _TickBudget:
    """How long one tick may last: everything else waits for it."""

    def __init__(self, engine: Engine) -> None:
        self._until = time.monotonic() + engine.settings.scaled(_TICK_SECONDS)
        self._failures = 0

    def count(self, error: KlingError) -> None:
        """Each look without an answer may have lasted a whole time-out."""
        self._failures += not error.answered

    @property
    def spent(self) -> bool:
        """Whether the rest waits for the next tick."""
        return self._failures >= _MOST_FAILURES or time.monotonic() > self._until


def _poll_route(
    engine: Engine, route: Route, jobs: list[Job], due: list[Job], budget: _TickBudget
) -> list[str]:
    found, silence = _list(engine, route, jobs, due)
    missed: dict[str, KlingError] = {}
    missing = sorted((job for job in due if job.id not in found), key=lambda job: job.next_at or 0)
    if silence is not None:
        budget.count(silence)
        missed = {job.id: silence for job in missing}
        # Where only the list stays silent, each job has its turn alone.
        missing = [job for job in missing if job.tries >= _ALONE_AFTER][:1]
    overdue = [job for job in due if job.id in found and _is_overdue(engine, job, found[job.id])]
    for number, job in enumerate([*missing[:SINGLE_LOOKS], *overdue[:1]]):
        if engine.stopping.is_set() or (number and budget.spent):
            break
        try:
            found[job.id] = look_at(engine, route, job)
        except KlingError as error:
            log.warning("look at %s: %s", job.external_task_id, error.code)
            missed[job.id] = error
            budget.count(error)
        except Exception as error:  # one task's answer is its own trouble
            record_step_failure(engine, job.id, error)
    failpoint("polled")
    answered = [job for job in jobs if job.id in found or job.id in missed]
    return _record_all(engine, answered, due, found, missed)


def _is_overdue(engine: Engine, job: Job, task: Task) -> bool:
    """Return whether a job is so late that a cached list may hide its end; it gets a look of its own."""
    if task.status in ("succeeded", "failed"):
        return False
    long = engine.now() - (job.started_at or 0) > engine.wait(_OVERDUE_SECONDS)
    return long or job.status.get("code") == "late"


def _list(
    engine: Engine, route: Route, jobs: list[Job], due: list[Job]
) -> tuple[dict[str, Task], KlingError | None]:
    """Return tasks by job id from as few list pages as show every due job, and the error when no answer came."""
    by_id = {job.provider_task_id: job for job in jobs}
    by_ours = {job.external_task_id: job for job in jobs}
    missing = {job.id for job in due}
    oldest = min(job.created_at for job in due)
    found: dict[str, Task] = {}
    page = 1
    while missing and page <= len(due) and not engine.stopping.is_set():
        try:
            tasks = engine.client.look_many(route, page, PAGE)
        except KlingError as error:
            log.warning("list %s: %s", route.path, error.code)
            return found, None if error.answered else error
        except Exception as error:  # what cannot be read together may be read one by one
            log.error("list %s: %s", route.path, type(error).__name__, exc_info=error)
            return found, None
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
    return found, None


def _record_all(
    engine: Engine,
    answered: list[Job],
    due: list[Job],
    found: dict[str, Task],
    missed: dict[str, KlingError],
) -> list[str]:
    """Write down what was told, in one transaction unless one of the jobs is in the way of the others."""
    late, ready = {job.id for job in due}, list[str]()

    def write(jobs: list[Job]) -> list[str]:
        return engine.store.write(lambda db: _record(db, engine, jobs, late, found, missed))

    try:
        return write(answered)
    except Exception as error:  # it comes again below, from the row that it is about
        log.warning("what Kling told cannot be written down together: %s", type(error).__name__)
    for job in answered:
        try:
            ready += write([job])
        except Exception as error:  # one row's trouble is its own
            record_step_failure(engine, job.id, error)
    return ready


def _record(
    db: Connection,
    engine: Engine,
    answered: list[Job],
    late: set[str],
    found: dict[str, Task],
    missed: dict[str, KlingError],
) -> list[str]:
    """Write each answer on its job, and return the ids to be saved; what was not due keeps its next look."""
    now, ready, usual = engine.now(), list[str](), dict[str, Typical]()
    for job in answered:
        task = found.get(job.id)
        if task is not None and task.status in ("succeeded", "failed"):
            if _finish(db, job, task, now):
                ready.append(job.id)
        elif job.id in late:
            if job.duration_key not in usual:
                usual[job.duration_key] = learn_duration(db, engine, job.duration_key, job.pool)
            at = now + next_look(engine, now - (job.started_at or now), usual[job.duration_key])
            if task is None:
                record_failed_poll(db, engine, job, missed[job.id], at)
            else:
                record_successful_poll(db, job, now, at)
    return ready


def _finish(db: Connection, job: Job, task: Task, now: int) -> bool:
    """Kling is done with it: to be saved, or failed with its reason; True when there is something to save."""
    provider_id = claim_task(db, job, task)
    if task.status == "succeeded":
        return bool(
            move(
                db, job, "saving", now, status="downloading", outputs=output_rows(task), next_at=now, tries=0,
                crashes=0, doubt_since=None, error=None,
                units=str(task.units) if task.units is not None else None,
                took=max(0, now - (job.started_at or now)), provider_task_id=provider_id,
            )
        )  # fmt: skip
    if cancel_requested(db, job.id):
        move(db, job, "canceled", now, status="canceled", why=task.message)
        return False
    error = {
        "code": "kling_task_failed",
        "message": task.message or "Kling gave no reason.",
        "next": "Change the request if the reason names it, or run it again.",
    }
    move(
        db, job, "failed", now, status="failed", why=task.message or "failed at Kling", error=error
    )
    return False


def update_progress(db: Connection, engine: Engine) -> None:
    """Move the progress of running jobs along by what is usual for them."""
    now, usual = engine.now(), dict[str, Typical]()
    for row in db.execute("SELECT * FROM job WHERE state = 'running'").fetchall():
        job = Job.from_row(row)
        if job.duration_key not in usual:
            usual[job.duration_key] = learn_duration(db, engine, job.duration_key, job.pool)
        typical = usual[job.duration_key]
        progress = max(job.progress, estimate_progress(now - (job.started_at or now), typical))
        status = "late" if is_late(job, now, typical) else "generating"
        if job.status.get("code") in POLL_FAILURES:
            continue
        if progress >= job.progress + 2 or status != job.status.get("code"):
            update(db, job, now, status=status, progress=progress)
