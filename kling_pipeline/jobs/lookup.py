"""Lookup of a job's task at Kling, and the task id that a job may bear.

An answer may name the wrong task. Our own id cannot be guessed, so it decides wherever an answer bears one.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from kling_pipeline.catalog.declaration import Route
from kling_pipeline.errors import KlingError
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.job import Job
from kling_pipeline.kling.dialects import Task
from kling_pipeline.storage.job_states import ENDED
from kling_pipeline.storage.store import Connection

_PAGES = 20
_KEPT_MS = 29 * 24 * 3600 * 1000  # how long Kling surely still tells of a task
_CLOCKS_MS = 2 * 3600 * 1000  # by so much ours may have been ahead of Kling's when the job was made


class Inconclusive(KlingError):
    """What Kling tells of its tasks can neither show nor rule out that one is ours."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "uncertain", http_status=200)


def look_at(engine: Engine, route: Route, job: Job) -> Task:
    """Return a job's task by the id that was told; by our own where that leads to nothing or to another task.

    Raises KlingError, "absent" when neither leads to it.
    """
    try:
        task = engine.client.look(route, job.provider_task_id or job.external_task_id)
        if task.external_id in (None, job.external_task_id):
            return task
    except KlingError as error:
        if error.verdict != "absent":
            raise
    return find_task(engine, route, job)


def find_task(engine: Engine, route: Route, job: Job, *, thorough: bool = False) -> Task:
    """By our id; by its echo in the list where an endpoint takes Kling's ids only, and whenever `thorough`.

    Raises KlingError, "absent" when it is not there; Untold when that cannot be seen from what Kling tells.
    """
    if not route.find:
        return _find_in_list(engine, route, job)
    try:
        return engine.client.find(route, job.external_task_id)
    except KlingError as error:
        if error.verdict != "absent" or not thorough:
            raise
    try:
        return _find_in_list(engine, route, job)
    except KlingError as unseen:
        if not isinstance(unseen, Inconclusive) and unseen.verdict != "refused":
            raise
        # The list proves nothing; a look-up that found nothing is proof where it finds what is there.
        if not _look_up_finds(engine, route, job):
            raise Inconclusive("Kling finds no task by an id of its maker.") from None
        raise KlingError("No task was found by this id.", "absent") from None


def _look_up_finds(engine: Engine, route: Route, job: Job) -> bool:
    """Return whether a task of ours that is at Kling is found by our id; where there is none, as documented.

    Raises KlingError when Kling does not answer.
    """
    since = engine.now() - _KEPT_MS
    with engine.store.read() as db:
        row = db.execute(
            """SELECT external_task_id FROM job WHERE route = ? AND id <> ? AND created_at > ?
               AND provider_task_id IS NOT NULL AND state IN ('running', 'saving', 'done')
               ORDER BY created_at DESC LIMIT 1""",
            [route.id, job.id, since],
        ).fetchone()
    if row is None:
        return True
    try:
        engine.client.find(route, row["external_task_id"])
    except KlingError as error:
        if error.verdict != "absent":
            raise
        return False
    return True


def _find_in_list(engine: Engine, route: Route, job: Job) -> Task:
    """Page by page until one is empty: how many rows a page has is Kling's choice."""
    since, ordered, unread = job.created_at - _CLOCKS_MS, True, 0
    listed: dict[str, Task] = {}
    for number in range(1, _PAGES + 1):
        page = engine.client.look_many(route, number)
        for task in page:
            if task.external_id == job.external_task_id:
                return task
        before, ordered, unread = len(listed), ordered and newest_first(page), unread + page.unread
        listed |= {task.id: task for task in page}
        if page and len(listed) == before:
            raise Inconclusive("Kling's list tells the same page again.")
        if not (page or page.unread) or (ordered and page and 0 < page[-1].created_ms < since):
            break
    else:
        raise Inconclusive("Kling's list is too long to prove anything.")
    if unread or _is_nameless(engine, listed, since):
        raise Inconclusive("Kling's list does not tell whose its tasks are.")
    raise KlingError("No task bears this id.", "absent")


def _is_nameless(engine: Engine, listed: Mapping[str, Task], since: int) -> bool:
    """Return whether a list echoes no ids at all and holds a new task that no job bears: it may be the one."""
    if any(task.external_id for task in listed.values()):
        return False
    new = {task.id for task in listed.values() if not 0 < task.created_ms < since}
    with engine.store.read() as db:
        rows = db.execute("SELECT provider_task_id FROM job WHERE provider_task_id IS NOT NULL")
        return bool(new - {row[0] for row in rows})


def newest_first(tasks: list[Task]) -> bool:
    """Return whether a page is in the order that its age can be judged by."""
    return all(a.created_ms >= b.created_ms for a, b in itertools.pairwise(tasks))


def claim_task(db: Connection, job: Job, task: Task) -> str | None:
    """Kling's id for the job; None when another job bears it and nothing says that it is ours.

    Without an id of its own a job is asked for by ours.
    """
    holder = db.execute(
        "SELECT id, state FROM job WHERE provider_task_id = ? AND id <> ?", [task.id, job.id]
    ).fetchone()
    if holder is None:
        return task.id
    if task.external_id != job.external_task_id or holder["state"] in ENDED:
        return None
    db.execute("UPDATE job SET provider_task_id = NULL WHERE id = ?", [holder["id"]])
    return task.id


def output_rows(task: Task) -> list[dict[str, Any]]:
    """Return a finished task's files as the column `outputs` keeps them, in Kling's order."""
    return [
        {"kind": one.kind, "url": one.url, "provider_id": one.provider_id, "index": one.index}
        for one in task.outputs
    ]
