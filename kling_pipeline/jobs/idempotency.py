"""Orders, and the clicks that made them: one click is one purchase, of one thing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kling_pipeline.catalog.declaration import Capability
from kling_pipeline.catalog.validation import read_request
from kling_pipeline.errors import InputError
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.inputs import ASSET
from kling_pipeline.jobs.job import Job
from kling_pipeline.media.base64_files import decode_base64
from kling_pipeline.storage.store import Connection


@dataclass(frozen=True)
class Order:
    """One capability asked for, `variants` times."""

    capability: str
    params: Mapping[str, Any]
    variants: int = 1
    template: str | None = None
    click_id: str | None = None


@dataclass(frozen=True)
class Digests:
    """What a click asked for: as it was written, and as it was read, with defaults and files by their content.

    The first holds across releases whose defaults differ, the second for the same request written in another way.
    """

    written: str
    read: str | None


def with_session(begun: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """The params over those a session began with; null is what was left out, so it leaves them."""
    return {**begun, **{k: v for k, v in params.items() if v is not None or k not in begun}}


def digest_order(engine: Engine, owner: str, order: Order) -> Digests | None:
    """The digests of an order, good or not; what cannot be read is like nothing but itself.

    None without a click: nothing comes again under its name.
    """
    if order.click_id is None:
        return None
    rest = [order.capability, order.variants, order.template]
    written = _digest([*rest, order.params])
    capability = engine.catalog.capabilities.get(order.capability)
    if capability is None or not isinstance(order.params, Mapping):
        return Digests(written, None)
    try:
        return Digests(written, _digest([*rest, _read(engine, owner, capability, order)]))
    except InputError:
        return Digests(written, None)


def find_earlier(db: Connection, owner: str, order: Order, digests: Digests | None) -> list[Job]:
    """The jobs of an order's click, none if it is new; InputError `click_conflict` when it bought something else."""
    if digests is None:
        return []
    click = db.execute(
        "SELECT * FROM click WHERE owner = ? AND click_id = ?", [owner, order.click_id]
    ).fetchone()
    if click is None:
        return []
    same = click["written"] == digests.written or (digests.read and click["read"] == digests.read)
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


def _read(engine: Engine, owner: str, capability: Capability, order: Order) -> dict[str, Any]:
    # Files are decoded between the reads: that takes long, and few may read at once.
    params = with_session(_begun(engine, owner, order.params.get("session")), order.params)
    read, _ = read_request(capability, params)
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
    """What a session began with, ended or not: the click was made while it was open."""
    with engine.store.read() as db:
        row = db.execute(
            "SELECT params FROM session WHERE id = ? AND owner = ?", [str(session_id), owner]
        ).fetchone()
    return dict(json.loads(row["params"])) if row else {}


def _content(engine: Engine, owner: str, value: str) -> str:
    """The same for raw Base64 and for the file that was made of it."""
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
