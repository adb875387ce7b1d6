"""Whose task is it? How a job's task is found at Kling, and which task id a job may bear.

An answer may name the wrong task. Our own id cannot be guessed, so it decides wherever an answer bears one.
"""

from __future__ import annotations

import itertools

from kling_pipeline.capability import Route
from kling_pipeline.dialects import Task
from kling_pipeline.engine import Engine
from kling_pipeline.errors import KlingError
from kling_pipeline.jobs import Job
from kling_pipeline.states import ENDED
from kling_pipeline.store import Connection

_PAGES = 20
_CLOCKS_MS = 2 * 3600 * 1000  # by so much ours may have been ahead of Kling's when the job was made


def look_at(engine: Engine, route: Route, job: Job) -> Task:
    """A job's task by the id that was told; by our own where that leads to nothing or to another task.

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


def find_task(engine: Engine, route: Route, job: Job) -> Task:
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


def newest_first(tasks: list[Task]) -> bool:
    """Whether a page is in the order that its age can be judged by."""
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
