"""Idempotency of a submit: one click is one purchase, and a repeated one must ask for the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kling_pipeline.catalog.declaration import Capability
from kling_pipeline.catalog.request import read_request
from kling_pipeline.errors import InputError
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.job import Job
from kling_pipeline.jobs.uploads import ASSET
from kling_pipeline.media.base64_files import decode_base64
from kling_pipeline.storage.store import Connection


@dataclass(frozen=True)
class JobRequest:
    """One capability asked for, `variants` times."""

    capability: str
    params: Mapping[str, Any]
    variants: int = 1
    template: str | None = None
    click_id: str | None = None


@dataclass(frozen=True)
class Digests:
    """SHA-256 of what a click asked for: as written, and normalized with defaults and files by their content.

    The first survives releases whose defaults differ, the second matches the same request written in another way.
    """

    written: str
    normalized: str | None


def with_session(begun: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Lay the params over those a session began with; null counts as left out and keeps the session's value."""
    return {**begun, **{k: v for k, v in params.items() if v is not None or k not in begun}}


def digest_request(engine: Engine, owner: str, request: JobRequest) -> Digests | None:
    """Return the digests of a request, valid or not; None without a click_id.

    An unreadable request has no normalized digest and equals only its own spelling.
    """
    if request.click_id is None:
        return None
    rest = [request.capability, request.variants, request.template]
    written = _digest([*rest, request.params])
    capability = engine.catalog.capabilities.get(request.capability)
    if capability is None or not isinstance(request.params, Mapping):
        return Digests(written, None)
    try:
        return Digests(written, _digest([*rest, _read(engine, owner, capability, request)]))
    except InputError:
        return Digests(written, None)


def find_earlier(
    db: Connection, owner: str, request: JobRequest, digests: Digests | None
) -> list[Job]:
    """Return the jobs that this click made, [] if it is new; InputError `click_conflict` for another request."""
    if digests is None:
        return []
    click = db.execute(
        "SELECT * FROM click WHERE owner = ? AND click_id = ?", [owner, request.click_id]
    ).fetchone()
    if click is None:
        return []
    same = click["written"] == digests.written or (
        digests.normalized and click["normalized"] == digests.normalized
    )
    # A click of an older release has no digests; it is taken at its word.
    if click["written"] is not None and not same:
        raise InputError.at(
            "click_id",
            "This click_id was used for another request. Nothing was made and nothing was charged.",
            code="click_conflict",
        )
    rows = db.execute(
        "SELECT * FROM job WHERE owner = ? AND click = ? ORDER BY variant", [owner, click["number"]]
    )
    return [Job.from_row(row) for row in rows]


def _read(
    engine: Engine, owner: str, capability: Capability, request: JobRequest
) -> dict[str, Any]:
    # Files are decoded between the reads: that takes long, and few may read at once.
    params = with_session(_begun(engine, owner, request.params.get("session")), request.params)
    read = read_request(capability, params)
    if "model_name" in read and not params.get("model_name"):
        read["model_name"] = engine.catalog.models(capability.id)[0].name
    for name in capability.media():
        value = read.get(name)
        if isinstance(value, list):
            read[name] = [_content(engine, owner, one) for one in value]
        elif isinstance(value, str):
            read[name] = _content(engine, owner, value)
    return {name: value for name, value in read.items() if value not in (None, [])}


def _begun(engine: Engine, owner: str, session_id: Any) -> dict[str, Any]:
    """Return the params of a session, expired ones included: the click was made while it was open."""
    with engine.store.read() as db:
        row = db.execute(
            "SELECT params FROM session WHERE id = ? AND owner = ?", [str(session_id), owner]
        ).fetchone()
    return dict(json.loads(row["params"])) if row else {}


def _content(engine: Engine, owner: str, value: str) -> str:
    """Return a file's content hash, the same for raw Base64 and for the asset made of it."""
    if value.startswith(ASSET):
        with engine.store.read() as db:
            row = db.execute(
                "SELECT sha256 FROM asset WHERE id = ? AND owner = ?", [value, owner]
            ).fetchone()
        return f"sha256:{row['sha256']}" if row else value
    data = None if "://" in value[:12] else decode_base64(value)
    return f"sha256:{hashlib.sha256(data).hexdigest()}" if data else value


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()
