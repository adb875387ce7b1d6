"""Tasks of ours at Kling that no job waits for: seen in its lists, and taken up again when their owner says so.

They are paid for at Kling. One comes to be when a take of unknown outcome is given up and turns up afterwards, or when
an older copy of the store is put back.
"""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import dataclass
from typing import Any

from kling_pipeline.catalog.declaration import Route
from kling_pipeline.errors import InputError, KlingError, NotFound
from kling_pipeline.jobs.accounts import open_account
from kling_pipeline.jobs.endpoints import freeze_route, route_of
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.external_ids import installation_mark
from kling_pipeline.jobs.failpoint import failpoint
from kling_pipeline.jobs.job import Job, find_job, move
from kling_pipeline.jobs.submit import insert_click
from kling_pipeline.kling.dialects import Task
from kling_pipeline.storage.job_states import REFUNDED, sql_states
from kling_pipeline.storage.store import Connection, get_meta

_MOST_FAILURES = 3  # lists that do not answer, after which the others are not asked


@dataclass(frozen=True)
class OwnTask:
    """A task that bears an id of this installation, and the endpoint whose list tells it."""

    route: Route
    task: Task


def list_own_tasks(engine: Engine) -> tuple[list[OwnTask], int]:
    """Return what Kling's lists tell of this installation, and how many of them could not be read."""
    with engine.store.read() as db:
        mark = installation_mark(get_meta(db, "secret"))
    seen: list[OwnTask] = []
    failures = 0
    for route in routes(engine):
        try:
            found = engine.client.look_many(route, 1, 500)
        except KlingError:
            failures += 1
            if failures == _MOST_FAILURES:
                break
            continue
        seen += [
            OwnTask(route, task) for task in found if (task.external_id or "").startswith(mark)
        ]
    return seen, failures


def routes(engine: Engine) -> list[Route]:
    """Return every endpoint of the catalog, then those that jobs were sent to before the catalog changed."""
    found = {
        model.route.path: model.route
        for name in engine.catalog.capabilities
        for model in engine.catalog.models(name)
    }
    with engine.store.read() as db:
        ids = db.execute("SELECT min(id) FROM job GROUP BY route, endpoint").fetchall()
        jobs = [job for (job_id,) in ids if (job := find_job(db, job_id))]
    for job in jobs:
        # What cannot be asked any more says so on its own card.
        with contextlib.suppress(NotFound):
            found.setdefault(route_of(engine, job).path, route_of(engine, job))
    return list(found.values())


def is_orphan(db: Connection, task: Task) -> bool:
    """Paid, and nobody would fetch it."""
    if task.status == "failed":
        return False
    wanted = f"SELECT 1 FROM job WHERE provider_task_id = ? AND state NOT IN {sql_states(REFUNDED)}"
    if db.execute(wanted, [task.id]).fetchone():
        return False
    job = _job_of_task(db, task)
    return job is None or job.state in REFUNDED


def price_orphan(engine: Engine, db: Connection, seen: OwnTask) -> int | None:
    """Return what taking it up costs: the price of the job that was given up, else what Kling says it took.

    None where Kling does not tell, or the catalog has nothing that is made there.
    """
    if job := _job_of_task(db, seen.task):
        return job.price
    made = _first_model(engine, seen.route)
    if not seen.task.units or made is None:
        return None
    product = engine.catalog.prices[made["price"]].product
    return max(1, math.ceil(seen.task.units * engine.catalog.unit(product)))


def adopt_orphan(engine: Engine, owner: str, task_id: str) -> str:
    """Make a job that runs under a lost task, its price held like any other's; the job's id.

    NotFound when there is no such task, InputError while Kling does not say what it took, CreditError.
    """
    seen = next((one for one in list_own_tasks(engine)[0] if one.task.id == task_id), None)
    if seen is None:
        raise NotFound("Kling tells of no such task of this studio.")
    now = engine.now()

    def write(db: Connection) -> str:
        given_up = _job_of_task(db, seen.task)
        if not is_orphan(db, seen.task) or (given_up and given_up.owner != owner):
            raise NotFound("No such task waits to be taken up.")
        price = price_orphan(engine, db, seen)
        if price is None:
            raise InputError(
                "Kling does not say yet what this task took. Try again when it is done."
            )
        if given_up is not None:
            # Its id goes to the job that takes its place: by it the task is known.
            parted = f"{given_up.external_task_id}.{given_up.seq}"
            db.execute(
                "UPDATE job SET external_task_id = ?, provider_task_id = NULL WHERE id = ?",
                [parted, given_up.id],
            )
        open_account(db, owner, engine.settings.opening_credits)
        columns = _copy_columns(given_up) if given_up else _default_columns(engine, seen.route)
        common = {**columns, "owner": owner, "price": price, "state": "queued", "created_at": now}
        job = insert_click(
            db, {**common, "updated_at": now, "external_task_id": seen.task.external_id}
        )
        return _run(db, job, seen.task, now)

    failpoint("orphan_seen")
    job_id = engine.store.write(write)
    failpoint("orphan_adopted")
    return job_id


def _run(db: Connection, job: Job, task: Task, now: int) -> str:
    """From a new row to one that the next tick asks for."""
    sent = move(db, job, "sending", now, status="preparing", why="taken up by the owner")
    assert sent is not None  # made in this transaction
    move(
        db, sent, "running", now, status="generating", progress=20, provider_task_id=task.id,
        started_at=now, next_at=now,
    )  # fmt: skip
    return job.id


def _job_of_task(db: Connection, task: Task) -> Job | None:
    """Return the job that bears the task's own id."""
    row = db.execute("SELECT id FROM job WHERE external_task_id = ?", [task.external_id]).fetchone()
    return find_job(db, row["id"]) if row else None


def _copy_columns(job: Job) -> dict[str, Any]:
    """Return what a job was asked for, for the one that takes its place."""
    columns = (
        "capability", "model", "route", "endpoint", "pool", "slots", "duration_key", "credit_key",
        "params", "request", "checkpoint", "template",
    )  # fmt: skip
    values = {name: getattr(job, name) for name in columns}
    return {
        name: json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
        for name, value in values.items()
    }


def _default_columns(engine: Engine, route: Route) -> dict[str, Any]:
    """Of a task whose job is in no store only the endpoint is known."""
    made = _first_model(engine, route)
    assert made is not None  # it has a price
    return {
        **{name: made[name] for name in ("capability", "model", "credit_key")},
        "route": route.id, "endpoint": freeze_route(route), "pool": route.pool, "slots": 1,
        "duration_key": f"{made['capability']}|adopted", "params": "{}",
        "request": json.dumps({"fields": {}}), "checkpoint": "{}",
    }  # fmt: skip


def _first_model(engine: Engine, route: Route) -> dict[str, str] | None:
    """Return the first capability and model that are asked at an endpoint; None where the catalog has none."""
    for capability in engine.catalog.capabilities.values():
        for model in engine.catalog.models(capability.id):
            if model.route.path == route.path:
                return {
                    "capability": capability.id,
                    "model": model.name,
                    "price": model.price,
                    "credit_key": capability.credit_key,
                }
    return None
