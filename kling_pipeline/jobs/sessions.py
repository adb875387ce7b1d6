"""Preparation: calls that a person needs before the price can be shown, kept with their answers for 24 hours."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

from pydantic import ValidationError

from kling_pipeline.catalog.declaration import FETCH, Call, Capability
from kling_pipeline.catalog.validation import input_error
from kling_pipeline.errors import (
    BusyError,
    CreditError,
    InputError,
    KlingError,
    NotFound,
    ResultError,
    StorageError,
)
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.failpoint import failpoint
from kling_pipeline.jobs.idempotency import with_session
from kling_pipeline.jobs.inputs import freeze, resolve_files, thaw
from kling_pipeline.jobs.uploads import keep_upload
from kling_pipeline.storage import ledger
from kling_pipeline.storage.store import Connection

HOURS = 24  # Kling docs, multi-elements, Sept 2026; for lip sync not stated, taken as the same
_ASK_SECONDS = 60.0  # a preview is a video that Kling makes while we wait
_LEAST_SECONDS = 45.0
_LOCK_SECONDS = 10.0
_FILE_CAP = 200 * 1024 * 1024
_locks: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
_locks_lock = threading.Lock()


def open_session(
    engine: Engine, owner: str, capability_id: str, params: Mapping[str, Any]
) -> dict[str, Any]:
    """Make the opening call of a capability; the session as the page sees it.

    InputError names each wrong field; NotFound when the capability has no sessions.
    """
    capability = engine.catalog.capability(capability_id)
    call = next((one for one in capability.calls if one.opens), None)
    if call is None:
        raise NotFound(f"{capability_id} needs no session.")
    given = _read(call, params)
    given, files = resolve_files(engine, owner, capability, given)
    frozen = freeze(engine, capability, given, files.rows)
    price = _price(engine, capability, call)
    _check_balance(engine, owner, price)
    step_results = {call.result_key: _ask(engine, owner, call, frozen, {})}
    session_id, now = secrets.token_hex(16), engine.now()

    def write(db: Connection) -> None:
        db.execute(
            "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)",
            [
                session_id, owner, capability_id, json.dumps(given), json.dumps(frozen),
                json.dumps(step_results), now, now + HOURS * 3_600_000,
            ],
        )  # fmt: skip
        _charge(db, owner, capability, session_id, f"{call.id}:1", price)

    engine.store.write(write)
    failpoint("session_kept")
    return show_session(engine, owner, session_id)


def call_session(
    engine: Engine, owner: str, session_id: str, call_id: str, params: Mapping[str, Any]
) -> dict[str, Any]:
    """Make one more call of a session; the session as the page sees it.

    One after the other: an answer tells what it is after the calls before it, and Kling keeps count.
    """
    with _exclusive(session_id):
        _call(engine, owner, session_id, call_id, params)
    return show_session(engine, owner, session_id)


def _call(
    engine: Engine, owner: str, session_id: str, call_id: str, params: Mapping[str, Any]
) -> None:
    row = _find(engine, owner, session_id)
    capability = engine.catalog.capability(row["capability"])
    call = next((one for one in capability.calls if one.id == call_id and not one.opens), None)
    if call is None:
        raise NotFound(f"{row['capability']} has no call {call_id!r}.")
    given = _read(call, params)
    price = _price(engine, capability, call)
    _check_balance(engine, owner, price)
    fields, step_results = {**row["frozen"], **given}, row["step_results"]
    answer = _ask(engine, owner, call, fields, step_results)

    def write(db: Connection) -> None:
        # Another process may have made a call of its own meanwhile.
        row = db.execute("SELECT step_results FROM session WHERE id = ?", [session_id]).fetchone()
        if row is None:
            raise NotFound("There is no such session.")
        count = db.execute(
            "UPDATE session SET step_results = ?, calls = calls + 1 WHERE id = ? RETURNING calls",
            [json.dumps({**json.loads(row["step_results"]), call.result_key: answer}), session_id],
        ).fetchone()[0]
        _charge(db, owner, capability, session_id, f"{call.id}:{count}", price)

    engine.store.write(write)
    failpoint("call_kept")


@contextmanager
def _exclusive(session_id: str) -> Iterator[None]:
    """Let the calls of a session wait for each other; BusyError where that takes long, since each holds a thread."""
    with _locks_lock:
        lock = _locks.setdefault(session_id, threading.Lock())
    if not lock.acquire(timeout=_LOCK_SECONDS):
        raise BusyError(
            "Another call of this session is still under way. Nothing was charged; try again in a moment."
        )
    try:
        yield
    finally:
        lock.release()


def show_session(engine: Engine, owner: str, session_id: str) -> dict[str, Any]:
    """Return `{id, capability, params, answers, calls, expires_at}`; NotFound also when it is somebody else's."""
    row = _find(engine, owner, session_id)
    capability = engine.catalog.capability(row["capability"])
    return {
        "id": session_id,
        "capability": row["capability"],
        "params": row["params"],
        "answers": row["step_results"],
        "calls": [
            {"id": call.id, "price": _price(engine, capability, call)}
            for call in capability.calls
            if not call.opens
        ],
        "expires_at": row["expires_at"],
    }


def price_calls(engine: Engine, capability_id: str) -> dict[str, int]:
    """Return the price of each call of a capability, by its id."""
    capability = engine.catalog.capability(capability_id)
    return {call.id: _price(engine, capability, call) for call in capability.calls}


def read_session(
    engine: Engine, owner: str, capability: str, params: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the params over those that their session began with, and what its calls answered."""
    wanted = engine.catalog.capability(capability).id
    try:
        row = _find(engine, owner, str(params["session"]))
    except InputError as error:
        raise InputError.at("session", error.message, code=error.code) from None
    if row["capability"] != wanted:
        raise InputError.at("session", f"This session belongs to {row['capability']}.")
    return with_session(row["params"], params), row["step_results"]


def _find(engine: Engine, owner: str, session_id: str) -> dict[str, Any]:
    with engine.store.read() as db:
        found = db.execute(
            "SELECT * FROM session WHERE id = ? AND owner = ?", [session_id, owner]
        ).fetchone()
    if found is None:
        raise NotFound("There is no such session.")
    row = dict(found)
    if row["expires_at"] <= engine.now():
        raise InputError(
            f"This session has ended after {HOURS} hours. Choose the video again.",
            code="session_expired",
        )
    for name in ("params", "frozen", "step_results"):
        row[name] = json.loads(row[name])
    return row


def _read(call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return call.asks.model_validate(dict(params)).model_dump(mode="json", exclude_none=True)
    except ValidationError as error:
        raise input_error(error) from None


def _ask(
    engine: Engine,
    owner: str,
    call: Call,
    fields: Mapping[str, Any],
    step_results: Mapping[str, Any],
) -> Any:
    """One call and what it keeps; a refusal of Kling's is the person's to mend, so it is an InputError."""
    try:
        body = thaw(engine, owner, call.build(fields, step_results))
        failpoint("session_asks")
        data = engine.client.ask(
            call.path,
            body,
            # However fast the studio's time runs, a preview takes as long as it takes to draw.
            max(_LEAST_SECONDS, engine.settings.scaled(_ASK_SECONDS)),
        )
        failpoint("session_asked")
        answer = _fetch(engine, owner, read_answer(call, data, step_results))
        return {**answer, "asked": call.asked(fields)}
    except KlingError as error:
        text = {
            "refused": "Kling refused this",
            "account": "Kling refuses this account for now",
            "busy": "Kling has no free place for now",
        }.get(error.verdict, "Kling did not answer")
        raise InputError(f"{text}: {error.message} Nothing was charged.", code=error.code) from None


def read_answer(
    call: Call, data: Mapping[str, Any], step_results: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return what a call's answer says; one of a shape that nobody documented is like one that was cut."""
    try:
        return call.read(data, step_results)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        raise KlingError(f"Kling's answer to {call.id} cannot be read.", "uncertain") from None


def _fetch(engine: Engine, owner: str, value: Any) -> Any:
    """Files of Kling's that a person should see or hear become files here: the page asks no other host."""
    if isinstance(value, list):
        return [_fetch(engine, owner, one) for one in value]
    if not isinstance(value, dict):
        return value
    if FETCH not in value:
        return {name: _fetch(engine, owner, one) for name, one in value.items()}
    part = engine.incoming / secrets.token_hex(8)
    try:
        engine.client.download(value[FETCH], part, cap=_FILE_CAP)
        asset = keep_upload(engine, owner, part, paid=True)
        return {"asset": asset["id"], "url": f"/media/{asset['id']}", "kind": asset["kind"]}
    except (ResultError, InputError, StorageError, OSError):
        return {"asset": None, "url": None, "kind": value["kind"]}
    finally:
        part.unlink(missing_ok=True)


def _price(engine: Engine, capability: Capability, call: Call) -> int:
    unit = engine.catalog.unit("video")
    return int(call.units * unit)


def _check_balance(engine: Engine, owner: str, price: int) -> None:
    if price:
        with engine.store.read() as db:
            available = ledger.balance(db, owner)["available"]
        if price > available:
            raise CreditError(price, available)


def _charge(
    db: Connection, owner: str, capability: Capability, session_id: str, call: str, price: int
) -> None:
    if price:
        ledger.charge(db, owner, f"prepare:{session_id}:{call}", price, capability.credit_key)
