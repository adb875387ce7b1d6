"""What has changed since a page last asked, what is older, and the statement."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from kling_pipeline.errors import NotFound
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.job import Job, own_job
from kling_pipeline.jobs.pause import notice
from kling_pipeline.jobs.serialize import QueueForecast, show_jobs, show_queue_positions
from kling_pipeline.storage import ledger
from kling_pipeline.storage.job_states import ACTIVE, OPEN, sql_states
from kling_pipeline.storage.store import Connection, get_meta

NEWEST = 200
OLDER = 50


def changes_since(
    db: Connection, engine: Engine, owner: str, revs: Collection[int]
) -> dict[int, bytes]:
    """For each revision the JSON of what changed after it: one reading of the store, each job written once.

    The newest 200 for 0, or with `reset` when a revision is not ours.
    """
    current = int(get_meta(db, "rev"))
    ours = {rev for rev in revs if int(get_meta(db, "first_rev")) <= rev <= current}
    forecast = QueueForecast(db, engine)
    changed = _changed(db, engine, owner, min(ours), forecast) if ours else []
    at = [rev for rev, _ in changed]
    newest = _newest(db, engine, owner, forecast) if ours != set(revs) else []
    rest: dict[str, Any] = {"counts": _counts(db, owner), "credits": ledger.balance(db, owner)}
    if positions := show_queue_positions(db, owner, forecast):
        rest["queue_positions"] = positions
    if current_notice := notice(db):
        rest["notice"] = current_notice
    tail = _json(rest)[1:]  # without its opening brace
    answers = {}
    for rev in revs:
        jobs = [text for _, text in changed[bisect_right(at, rev) :]] if rev in ours else newest
        reset = b"" if rev in ours or rev == 0 else b'"reset":true,'
        jobs_text = b",".join(jobs)
        answers[rev] = b'{"rev":%d,"jobs":[%b],%b%b' % (current, jobs_text, reset, tail)
    return answers


def _changed(
    db: Connection, engine: Engine, owner: str, rev: int, forecast: QueueForecast
) -> list[tuple[int, bytes]]:
    rows = db.execute("SELECT * FROM job WHERE owner = ? AND rev > ? ORDER BY rev", [owner, rev])
    shown = show_jobs(db, engine, (Job.from_row(row) for row in rows), forecast)
    return [(job["rev"], _json(job)) for job in shown]


def _newest(db: Connection, engine: Engine, owner: str, forecast: QueueForecast) -> list[bytes]:
    rows = db.execute(
        "SELECT * FROM job WHERE owner = ? ORDER BY seq DESC LIMIT ?", [owner, NEWEST]
    )
    return [_json(job) for job in show_jobs(db, engine, map(Job.from_row, rows), forecast)]


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def older_jobs(db: Connection, engine: Engine, owner: str, job_id: str) -> list[dict[str, Any]]:
    """Return the next jobs before one of the owner's, newest first; NotFound."""
    seq = own_job(db, owner, job_id).seq
    rows = db.execute(
        "SELECT * FROM job WHERE owner = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
        [owner, seq, OLDER],
    )
    return show_jobs(db, engine, (Job.from_row(row) for row in rows))


def every_job(db: Connection, engine: Engine, owner: str) -> list[dict[str, Any]]:
    """All of them, oldest first."""
    rows = db.execute("SELECT * FROM job WHERE owner = ? ORDER BY seq", [owner])
    return show_jobs(db, engine, (Job.from_row(row) for row in rows))


def full_statement(db: Connection, engine: Engine, owner: str) -> list[dict[str, Any]]:
    """Return every ledger transaction, oldest first, with the job it belongs to and the credits Kling says it took."""
    jobs = {
        row["id"]: Job.from_row(row)
        for row in db.execute("SELECT * FROM job WHERE owner = ?", [owner])
    }
    entries = ledger.statement(db, owner)
    for entry in entries:
        job = jobs.get(entry["job_id"])
        entry["take"] = job.label if job else None
        entry["capability"] = job.capability if job else None
        entry["units"] = job.units if job else None
        entry["took"] = _took(engine, job) if job and job.units else None
    return entries


def _took(engine: Engine, job: Job) -> float | None:
    """Kling's own figure in credits: a fact about the owner's account there, never charged.

    None where the studio no longer knows what a unit of it is.
    """
    try:
        _, model = engine.catalog.sold(job.capability, job.model, job.route)
        product = engine.catalog.prices[model.price].product
        return float(Decimal(job.units or 0) * engine.catalog.unit(product))
    except (NotFound, LookupError, ArithmeticError):
        return None


def _counts(db: Connection, owner: str) -> dict[str, int]:
    rows = db.execute(
        f"SELECT state, count(*) AS n FROM job WHERE owner = ? AND state IN {sql_states(OPEN)} GROUP BY state",
        [owner],
    ).fetchall()
    found = {row["state"]: row["n"] for row in rows}
    running = sum(found.get(state, 0) for state in ACTIVE)
    return {"running": running, "queued": found.get("queued", 0)}
