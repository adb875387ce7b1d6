"""Reserve and queue priced requests in one transaction, or refuse them without a trace."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kling_pipeline.catalog.declaration import Finding
from kling_pipeline.errors import CreditError, InputError
from kling_pipeline.jobs.accounts import open_account
from kling_pipeline.jobs.endpoints import freeze_route
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.external_ids import external_id
from kling_pipeline.jobs.idempotency import Digests, JobRequest, digest_request, find_earlier
from kling_pipeline.jobs.job import Job
from kling_pipeline.jobs.quote import Quote, quote_request
from kling_pipeline.storage import ledger
from kling_pipeline.storage.store import Connection, bump, get_meta


@dataclass(frozen=True)
class Submission:
    """The result of a submit; `created` is False when the same click had made these jobs before."""

    jobs: list[Job]
    warnings: list[Finding]
    created: bool


def admit(engine: Engine, owner: str, requests: Sequence[JobRequest]) -> Submission:
    """Admit every request or none, each click once; after InputError, CreditError or StorageError nothing is held."""
    clicks = [request.click_id for request in requests if request.click_id is not None]
    if len(set(clicks)) < len(clicks):
        raise InputError.at("click_id", "Each order needs a click_id of its own.")
    given = [(request, digest_request(engine, owner, request)) for request in requests]
    with engine.store.read() as db:
        earlier = [find_earlier(db, owner, *one) for one in given]
    if all(earlier):
        return Submission([job for jobs in earlier for job in jobs], [], False)
    engine.check_floor()
    quotes = [
        None if existing else quote_request(engine, owner, request)
        for (request, _), existing in zip(given, earlier, strict=True)
    ]
    jobs, created = engine.store.write(lambda db: _admit(db, engine, owner, given, quotes))
    findings = [finding for one in quotes if one for finding in one.findings]
    return Submission(jobs, findings, created)


def _admit(
    db: Connection, engine: Engine, owner: str, given: Sequence[tuple[JobRequest, Digests | None]],
    quotes: Sequence[Quote | None],
) -> tuple[list[Job], bool]:  # fmt: skip
    """Return the jobs of all requests, existing ones included, and whether any is new."""
    open_account(db, owner, engine.settings.opening_credits)
    # Looked for again: the same click may have come twice at the same moment.
    earlier = [find_earlier(db, owner, *one) for one in given]
    rows = list(zip(given, quotes, earlier, strict=True))
    total = sum(one.price for _, one, existing in rows if one and not existing)
    available = ledger.balance(db, owner)["available"]
    if total > available:
        raise CreditError(total, available)
    jobs: list[Job] = []
    for (request, digests), one, existing in rows:
        if one and not existing:
            jobs += _insert_variants(db, owner, request, digests, one, engine.now())
        jobs += existing
    return jobs, total > 0


def insert_click(
    db: Connection, row: dict[str, Any], click_id: str | None = None, digests: Digests | None = None
) -> Job:
    """Insert a click and its first job, with hold and event; further variants bear the click's number."""
    number = db.execute(
        "SELECT coalesce(max(number), 0) + 1 FROM click WHERE owner = ?", [row["owner"]]
    ).fetchone()[0]
    written, normalized = (digests.written, digests.normalized) if digests else (None, None)
    db.execute(
        "INSERT INTO click (owner, number, click_id, at, written, normalized) VALUES (?, ?, ?, ?, ?, ?)",
        [row["owner"], number, click_id, row["created_at"], written, normalized],
    )
    return _insert_job(db, {"click": number, "variant": 0, **row})


def _insert_variants(
    db: Connection,
    owner: str,
    request: JobRequest,
    digests: Digests | None,
    quote: Quote,
    now: int,
) -> list[Job]:
    common = {"owner": owner, "template": request.template, **_columns(quote, now)}
    first = insert_click(db, common, request.click_id, digests)
    rest = [
        _insert_job(db, {**common, "click": first.click, "variant": variant})
        for variant in range(1, request.variants)
    ]
    return [first, *rest]


def _columns(quote: Quote, now: int) -> dict[str, Any]:
    """Return the job columns that all variants of a click share."""
    capability, model = quote.parsed.listing.capability, quote.parsed.model
    return {
        "capability": capability.id,
        "model": model.name,
        "route": model.route.id,
        "endpoint": freeze_route(model.route),
        "pool": model.route.pool,
        "slots": quote.slots,
        "duration_key": _duration_key(quote),
        "credit_key": capability.credit_key,
        "params": json.dumps(quote.params, ensure_ascii=False),
        "request": quote.measured.stored,
        "checkpoint": json.dumps({"step_results": quote.step_results}, ensure_ascii=False),
        "price": quote.each,
        "state": "queued",
        "status": json.dumps({"code": "queued"}),
        "next_at": now,
        "created_at": now,
        "updated_at": now,
    }


def _insert_job(db: Connection, row: dict[str, Any]) -> Job:
    job_id = secrets.token_hex(16)
    seq = db.execute("SELECT coalesce(max(seq), 0) + 1 FROM job").fetchone()[0]
    external = external_id(get_meta(db, "secret"), job_id, 0)
    row = {"id": job_id, "seq": seq, "external_task_id": external, "rev": bump(db), **row}
    made = db.execute(
        f"INSERT INTO job ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)}) "
        "RETURNING *",
        row,
    ).fetchone()
    ledger.reserve(db, row["owner"], job_id, row["price"], row["credit_key"])
    db.execute(
        "INSERT INTO job_event VALUES (?, ?, 'queued', 'submitted')", [job_id, row["created_at"]]
    )
    return Job.from_row(made)


def _duration_key(quote: Quote) -> str:
    """Return the key under which durations are learned: capability, model, mode, seconds, resolution, pictures."""
    sent, parsed = quote.measured.sent, quote.parsed
    parts = (sent.get("mode"), sent.get("duration"), sent.get("resolution"), sent.get("n"))
    return "|".join(
        [parsed.listing.capability.id, parsed.model.name, *(str(part or "") for part in parts)]
    )
