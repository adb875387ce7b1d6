"""Jobs as the API and the page see them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from kling_pipeline.jobs.concurrency import read_caps
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.estimates import learn_duration
from kling_pipeline.jobs.job import Job
from kling_pipeline.jobs.states import STATUS_TEXTS
from kling_pipeline.storage.store import Connection

_MOST_POSITIONS = 100


class QueueForecast:
    """What is told of all jobs of an answer alike: the line, the places, what is usual; each asked for once."""

    def __init__(self, db: Connection, engine: Engine) -> None:
        self._db, self._engine = db, engine
        self._typical: dict[str, list[int] | None] = {}

    @cached_property
    def queue_positions(self) -> dict[str, int]:
        """The place in line of each queued job."""
        rows = self._db.execute(
            """SELECT id, row_number() OVER (PARTITION BY pool ORDER BY seq) AS place
               FROM job WHERE state = 'queued'"""
        )
        return {row["id"]: row["place"] for row in rows}

    @cached_property
    def caps(self) -> dict[str, int]:
        """How many tasks each pool takes at once, where that is known."""
        return read_caps(self._db, self._engine)

    def typical(self, duration_key: str, pool: str) -> list[int] | None:
        """Return median and 90th percentile in milliseconds, once enough are known."""
        if duration_key not in self._typical:
            usual = learn_duration(self._db, self._engine, duration_key, pool)
            self._typical[duration_key] = [usual.p50, usual.p90] if usual.learned else None
        return self._typical[duration_key]

    def eta(self, job_id: str, duration_key: str, pool: str) -> int | None:
        """Return milliseconds until a waiting job will start, where that can be told."""
        place, cap, typical = (
            self.queue_positions.get(job_id),
            self.caps.get(pool),
            self.typical(duration_key, pool),
        )
        return (
            None
            if place is None or cap is None or typical is None
            else -(-place // cap) * typical[0]
        )


def show_jobs(
    db: Connection, engine: Engine, jobs: Iterable[Job], forecast: QueueForecast | None = None
) -> list[dict[str, Any]]:
    """Return the public shape of jobs, in the given order; as many queries as there are shapes of jobs, and a few."""
    jobs, forecast = list(jobs), forecast or QueueForecast(db, engine)
    assets = _assets(db, [job.id for job in jobs if job.state == "done"])
    inputs = _inputs(engine, jobs)
    return [
        {
            **show_job(job, assets.get(job.id, [])),
            **_wait(job, forecast),
            "typical": forecast.typical(job.duration_key, job.pool),
            "inputs": inputs[job.id],
            "unsent": _unsent(engine, job),
        }
        for job in jobs
    ]


def _unsent(engine: Engine, job: Job) -> list[str]:
    """Return what was given and is not part of what was sent: the model could not take it."""
    capability = engine.catalog.capabilities.get(job.capability)
    fields = job.request.get("fields")
    if capability is None or not isinstance(fields, dict):
        return []
    # A video is sent under another name, a choice of a session within what was laid out from it.
    elsewhere = {name for name, media in capability.media().items() if media.kind == "video"}
    elsewhere |= {name for name, look in capability.looks().items() if look.widget == "session"}
    sent = fields.keys() | elsewhere | {"model_name"}
    return sorted(job.params.keys() - sent)


def show_job(job: Job, assets: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the fields of one job that its row alone decides."""
    return {
        "id": job.id,
        "take": job.label,
        "click": job.click,
        "capability": job.capability,
        "model": job.model,
        "rev": job.rev,
        "state": job.state,
        "progress": job.progress,
        "message": _sentence(job),
        "status": job.status,
        "provider_task_id": job.provider_task_id,
        "external_task_id": job.external_task_id,
        "params": job.params,
        "price": job.price,
        "template": job.template,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
        "started_at": job.started_at,
        "took": (job.ended_at or job.updated_at) - job.created_at if job.state == "done" else None,
        "cancel_asked": bool(job.cancel_asked),
        "assets": assets,
        "error": job.error,
    }


def _sentence(job: Job) -> str:
    """Return what a job says, in English; a newer studio may have had words that this one lacks."""
    sentence, _ = STATUS_TEXTS.get(
        str(job.status.get("code", "queued")), (job.state.capitalize(), None)
    )
    return sentence.format_map(defaultdict(str, job.status)).strip()


def show_queue_positions(
    db: Connection, owner: str, forecast: QueueForecast
) -> dict[str, list[int | None]]:
    """Return `[place, eta]` of the newest waiting jobs by id: both change although the job itself does not."""
    rows = db.execute(
        """SELECT id, duration_key, pool FROM job WHERE owner = ? AND state = 'queued'
           ORDER BY seq DESC LIMIT ?""",
        [owner, _MOST_POSITIONS],
    ).fetchall()
    return {row["id"]: [forecast.queue_positions[row["id"]], forecast.eta(*row)] for row in rows}


def _wait(job: Job, forecast: QueueForecast) -> dict[str, Any]:
    """Return what a job says; a waiting one also its place in line, and when it will start where that can be told."""
    if job.state != "queued":
        return {"status": job.status, "queue_position": None}
    eta = forecast.eta(job.id, job.duration_key, job.pool)
    status = job.status if eta is None else {**job.status, "eta": eta}
    return {"status": status, "queue_position": forecast.queue_positions.get(job.id)}


def show_asset(row: Any) -> dict[str, Any]:
    """Return a result file: where it is and how large."""
    url = f"/media/{row['id']}"
    return {
        "id": row["id"],
        "kind": row["kind"],
        "url": url,
        "poster_url": f"{url}?poster=1" if row["poster"] else None,
        "width": row["width"],
        "height": row["height"],
        "duration": row["duration"],
    }


def _assets(db: Connection, ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        rows = db.execute(
            f"SELECT * FROM asset WHERE job_id IN ({', '.join('?' * len(part))}) ORDER BY position",
            part,
        )
        for row in rows:
            found.setdefault(row["job_id"], []).append(show_asset(row))
    return found


def _inputs(engine: Engine, jobs: list[Job]) -> dict[str, dict[str, dict[str, str]]]:
    """Return the asset of each single-file field by job and field; lists of files and addresses are left out."""
    shown: dict[str, dict[str, dict[str, str]]] = {}
    for job in jobs:
        capability = engine.catalog.capabilities.get(job.capability)
        files = capability.media() if capability else {}
        shown[job.id] = {}
        for name, media in files.items():
            value = job.params.get(name)
            if isinstance(value, str) and value.startswith("as_"):
                shown[job.id][name] = {"url": f"/media/{value}", "kind": media.kind}
    return shown
