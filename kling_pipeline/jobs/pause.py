"""The pause of all submits after Kling refused the account; it ends by itself."""

from __future__ import annotations

import json
from typing import Any

from kling_pipeline.errors import KlingError
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.storage.store import Connection, get_meta, set_meta

_SKEW_SECONDS = 2.0
_NEXT = {
    "account": "Check the keys and the balance in Kling's console, then wait: submits go on by themselves.",
    "token": "Check the clock of this machine, then wait: submits go on by themselves.",
}
_BARE = (
    "This is not Kling's own answer: check KLING_BASE_URL, the keys, and what stands between here and "
    "Kling. Submits go on by themselves."
)
_CLOCK = "This clock and Kling's differ by {seconds} s: set this machine's clock; submits then go on by themselves."


def clock_is_off(engine: Engine) -> int:
    """By how many seconds this clock and Kling's differ for certain; 0 while they agree."""
    drift = engine.client.drift
    return round(drift) if drift > _SKEW_SECONDS else 0


def pause(db: Connection, engine: Engine, error: KlingError) -> int:
    """Pause every submit after a refusal of the account; until when, in milliseconds."""
    now, before = engine.now(), notice(db)
    times = min(4, before["times"] + 1) if before else 0
    until = now + engine.wait(15 * 2**times)
    seconds = clock_is_off(engine)
    advice = _NEXT.get(error.verdict, _NEXT["account"]) if error.service_code else _BARE
    value = {
        "code": error.code,
        "message": error.message,
        "next": _CLOCK.format(seconds=seconds) if seconds else advice,
        "clock": seconds,
        "until": until,
        "times": times,
    }
    set_meta(db, "pause", json.dumps(value))
    return until


def paused(db: Connection, now: int) -> bool:
    """Return whether submits wait; after the time is up one job tries, and its success ends the pause."""
    current = notice(db)
    if current is None:
        return False
    if now < current["until"]:
        return True
    return bool(db.execute("SELECT 1 FROM job WHERE state = 'sending' LIMIT 1").fetchone())


def unpause(db: Connection) -> None:
    """Kling accepted a task: the account is well again."""
    set_meta(db, "pause", None)


def notice(db: Connection) -> dict[str, Any] | None:
    """Return the pause as the page tells it: code, message, next, until."""
    value = get_meta(db, "pause")
    return json.loads(value) if value else None


def notice_text(db: Connection) -> str:
    """Why every submit waits and what to do about it, in one line; empty while none has to."""
    current = notice(db)
    return f"{current['message']} {current['next']}" if current else ""
