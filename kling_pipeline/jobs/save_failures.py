"""What a save that failed means for its job: tried again later, or set aside for its owner."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from kling_pipeline.errors import KlingError, ResultError, StudioError
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.job import Job, update
from kling_pipeline.storage.store import Connection

CRASHES = 3
_REFETCH_SECONDS = 2.0  # seconds until such a file is fetched again
# What may pass by itself is tried for a day, what is this machine's own for ever, and other trouble so often; then its
# owner decides.
_LOCAL_CODES = ("result_busy", "disk", "lease_lost")
_TRANSIENT_CODES = (
    *_LOCAL_CODES, "result_unreachable", "result_unreadable", "kling_busy",
)  # fmt: skip
_DAY = 24 * 3600.0
_MOST, _ENOUGH = {"result_too_large": 3}, 9


def set_aside(
    db: Connection, job: Job, now: int, error: Mapping[str, Any], **changes: Any
) -> Job | None:
    """Leave a result to its owner: fetched again, or given up, when that is said."""
    return update(
        db, job, now, status="set_aside", error=dict(error), lease_owner=None, lease_until=None,
        next_at=None, **changes,
    )  # fmt: skip


def record_save_failure(
    db: Connection,
    engine: Engine,
    job: Job,
    unread: Mapping[str, int],
    code: str,
    error: ResultError | KlingError | OSError,
) -> None:
    """Retry a save later, or leave it to the owner; `unread` counts the unreadable attempts by file."""
    now = engine.now()
    before = job.checkpoint.get("save_failures", {})
    passes = code in _TRANSIENT_CODES or (isinstance(error, KlingError) and not error.answered)
    # Whatever it is called from one time to the next; what passes is between them.
    times, since = before.get("times", 0) + (not passes), before.get("since", now)
    enough = not passes and times >= _MOST.get(code, _ENOUGH)
    if code not in _LOCAL_CODES and now - since > engine.wait(_DAY):
        enough = True
    if isinstance(error, StudioError) and enough:
        rest = {name: value for name, value in job.checkpoint.items() if name != "save_failures"}
        set_aside(db, job, now, _given_up_error(code, error), checkpoint=rest, crashes=0, tries=0)
        return
    growing = min(300.0, 2.0 * 2 ** min(job.tries, 8)) * random.uniform(0.8, 1.2)
    delay = engine.wait(_REFETCH_SECONDS if code == "result_unreadable" else growing)
    cause = f"{error.message} {error.next}" if isinstance(error, StudioError) else error.strerror
    update(
        db, job, now, status="retrying",
        figures={"at": now + delay, "reason": code, "said": (cause or "").strip()},
        checkpoint={
            **job.checkpoint, "unread": dict(unread), "save_failures": {"times": times, "since": since},
        },
        next_at=now + delay,
        tries=job.tries + 1, crashes=0, lease_owner=None, lease_until=None,
    )  # fmt: skip


def _given_up_error(code: str, error: StudioError) -> dict[str, str]:
    """Return what the owner is told of a result that does not come however often it is fetched."""
    return {
        "code": code,
        "message": error.message,
        "next": f"{error.next} Kling has the result for 30 days. Store it again, or take the credits back.".strip(),
    }
