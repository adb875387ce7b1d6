"""Check, price, reserve and queue requests in one transaction, or refuse them without a trace."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kling_pipeline.catalog.catalog import Plan
from kling_pipeline.catalog.declaration import Finding
from kling_pipeline.errors import CreditError, InputError
from kling_pipeline.jobs.accounts import open_account
from kling_pipeline.jobs.endpoints import freeze_route
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.external_ids import external_id
from kling_pipeline.jobs.idempotency import (
    Digests,
    JobRequest,
    digest_request,
    find_earlier,
    with_session,
)
from kling_pipeline.jobs.inputs import freeze, resolve_files
from kling_pipeline.jobs.job import Job
from kling_pipeline.jobs.sessions import read_session
from kling_pipeline.lint.lint import Subject, lint
from kling_pipeline.storage import ledger
from kling_pipeline.storage.job_states import REFUNDED, sql_states
from kling_pipeline.storage.store import Connection, bump, get_meta

_MOST_VARIANTS = 100
_LOOK_BACK = 500  # jobs among which an equal one is looked for


@dataclass(frozen=True)
class Submission:
    """The result of a submit; `created` is False when the same click had made these jobs before."""

    jobs: list[Job]
    warnings: list[Finding]
    created: bool


@dataclass(frozen=True)
class Checked:
    """A valid request: its plan, its fields with files by reference, the answers of its session.

    `slots` is its share of the pool's concurrency at Kling while it runs.
    """

    plan: Plan
    frozen: dict[str, Any]
    step_results: dict[str, Any]
    slots: int


def check_request(engine: Engine, owner: str, request: JobRequest) -> Checked:
    """Check one request, files included, and price it; InputError names each wrong field."""
    if isinstance(request.variants, bool) or not isinstance(request.variants, int):
        raise InputError.at("variant_count", "variant_count is a whole number.")
    if not 1 <= request.variants <= _MOST_VARIANTS:
        raise InputError.at(
            "variant_count",
            f"{request.variants} variants; from 1 to {_MOST_VARIANTS} are possible.",
        )
    if request.template is not None:
        raise InputError.at("template", "There is no such template.")
    capability = engine.catalog.capability(request.capability)
    if not isinstance(request.params, Mapping):
        raise InputError.at("params", "params is not an object.")
    begun, step_results = read_session(engine, owner, capability.id, request.params.get("session"))
    params = with_session(begun, request.params)
    # The fields first: a mistyped prompt should not cost the reading of a file.
    read = engine.catalog.plan(request.capability, params, step_results=step_results).params
    # A file may be written in several ways; from here on it stands as the request has it.
    params |= {name: read.get(name) for name in capability.media() if name in params}
    params, facts = resolve_files(engine, owner, capability, params)
    plan = engine.catalog.plan(request.capability, params, facts, step_results)
    lengths = {name: fact.duration for name, fact in facts.items() if fact}
    step_results = {**step_results, "lengths": lengths}
    frozen = freeze(engine, owner, capability, plan.sent)
    price = engine.catalog.prices[plan.model.price]
    said = lint(
        Subject(
            capability, plan.params, plan.sent, plan.model, engine.catalog.models(capability.id)[0],
            facts, step_results, request.variants, _earlier(engine, owner, plan, frozen), (price.of, price.most),
        )
    )  # fmt: skip
    if errors := {one.field: one.message for one in said if one.severity == "error"}:
        raise InputError("; ".join(errors.values()), fields=errors, findings=said)
    # A picture is a slot, whatever makes a task of it (Kling docs, concurrency, Sept 2026).
    slots = price.count(plan.sent, {}) if price.per == "picture" else 1
    return Checked(replace(plan, warnings=(*plan.warnings, *said)), frozen, step_results, slots)


def _earlier(engine: Engine, owner: str, plan: Plan, frozen: Mapping[str, Any]) -> tuple[int, int]:
    """Count the newest jobs with the same request that were not refunded, and sum their credits."""
    with engine.store.read() as db:
        count, credits = db.execute(
            f"""SELECT count(*), coalesce(sum(price), 0) FROM
               (SELECT * FROM job WHERE owner = ? ORDER BY seq DESC LIMIT ?)
               WHERE capability = ? AND model = ? AND request = ?
               AND state NOT IN {sql_states(REFUNDED)}""",
            [owner, _LOOK_BACK, plan.capability.id, plan.model.name, _request(frozen)],
        ).fetchone()
    return count, credits


def _request(frozen: Mapping[str, Any]) -> str:
    return json.dumps({"fields": frozen}, ensure_ascii=False)


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
    checked = [
        None if existing else check_request(engine, owner, request)
        for (request, _), existing in zip(given, earlier, strict=True)
    ]
    jobs, created = engine.store.write(lambda db: _admit(db, engine, owner, given, checked))
    findings = [finding for one in checked if one for finding in one.plan.warnings]
    return Submission(jobs, findings, created)


def _admit(
    db: Connection, engine: Engine, owner: str, given: Sequence[tuple[JobRequest, Digests | None]],
    checked: Sequence[Checked | None],
) -> tuple[list[Job], bool]:  # fmt: skip
    """Return the jobs of all requests, existing ones included, and whether any is new."""
    open_account(db, owner, engine.settings.opening_credits)
    # Looked for again: the same click may have come twice at the same moment.
    earlier = [find_earlier(db, owner, *one) for one in given]
    rows = list(zip(given, checked, earlier, strict=True))
    total = sum(
        one.plan.price * request.variants
        for (request, _), one, existing in rows
        if one and not existing
    )
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
    checked: Checked,
    now: int,
) -> list[Job]:
    common = {"owner": owner, "template": request.template, **_columns(checked, now)}
    first = insert_click(db, common, request.click_id, digests)
    rest = [
        _insert_job(db, {**common, "click": first.click, "variant": variant})
        for variant in range(1, request.variants)
    ]
    return [first, *rest]


def _columns(checked: Checked, now: int) -> dict[str, Any]:
    """Return the job columns that all variants of a click share."""
    plan = checked.plan
    return {
        "capability": plan.capability.id,
        "model": plan.model.name,
        "route": plan.model.route.id,
        "endpoint": freeze_route(plan.model.route),
        "pool": plan.model.route.pool,
        "slots": checked.slots,
        "duration_key": _duration_key(plan),
        "credit_key": plan.capability.credit_key,
        "params": json.dumps(plan.params, ensure_ascii=False),
        "request": _request(checked.frozen),
        "checkpoint": json.dumps({"step_results": checked.step_results}, ensure_ascii=False),
        "price": plan.price,
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


def _duration_key(plan: Plan) -> str:
    """Return the key under which durations are learned: capability, model, mode, seconds, resolution, pictures."""
    sent = plan.sent
    parts = (sent.get("mode"), sent.get("duration"), sent.get("resolution"), sent.get("n"))
    return "|".join([plan.capability.id, plan.model.name, *(str(part or "") for part in parts)])
