"""How long a model usually takes, learned from the studio's own past; it drives due times and progress."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.job import Job
from kling_pipeline.storage.store import Connection

ENOUGH = 5
_RECENT = 60
_POLL, _POLL_LATE, _LATE_AFTER = 5.0, 15.0, 300.0  # seconds; 5 s is the brief's interval


@dataclass(frozen=True)
class Typical:
    """Median and 90th percentile of past durations, in milliseconds; `learned` says there were enough of them."""

    p50: int
    p90: int
    learned: bool


def learn_duration(db: Connection, engine: Engine, duration_key: str, pool: str) -> Typical:
    """Return past durations under a key; a guess, marked as not learned, before there are enough."""
    rows = db.execute(
        "SELECT took FROM job WHERE duration_key = ? AND state = 'done' ORDER BY ended_at DESC LIMIT ?",
        [duration_key, _RECENT],
    ).fetchall()
    took = sorted(row["took"] for row in rows if row["took"])
    if len(took) >= ENOUGH:
        return Typical(took[len(took) // 2], took[min(len(took) - 1, len(took) * 9 // 10)], True)
    # The simulator of demo mode takes 6 s for a video; Kling commonly one to five minutes.
    seconds = (6.0 if pool == "video" else 1.5) if engine.settings.demo else 150.0
    if not engine.settings.demo and pool != "video":
        seconds = 20.0
    return Typical(engine.wait(seconds), engine.wait(2 * seconds), False)


def next_look(engine: Engine, elapsed: int, typical: Typical) -> int:
    """Return milliseconds until a running task is due to be asked for again."""
    if not typical.learned:
        if engine.settings.demo:
            return engine.wait(1)
        return engine.wait(_POLL if elapsed < engine.wait(_LATE_AFTER) else _POLL_LATE)
    early = typical.p50 * 7 // 10
    if elapsed < early:
        return max(engine.wait(0.5), min(early - elapsed, engine.wait(_POLL)))
    if elapsed < 2 * typical.p90:
        return min(max(engine.wait(1), typical.p50 // 10), engine.wait(_POLL))
    return engine.wait(_POLL if elapsed < engine.wait(_LATE_AFTER) else _POLL_LATE)


def estimate_progress(elapsed: int, typical: Typical) -> int:
    """Progress 20 to 79 of a running task: two thirds of the way at the median, never at the end."""
    # A clock that was set back makes the elapsed time negative, and the power of it too large to be a number.
    share = 1 - math.exp(-1.1 * max(0, elapsed) / max(1, typical.p50))
    return min(79, 20 + int(60 * share))


def is_late(job: Job, now: int, typical: Typical) -> bool:
    """Return whether a task runs longer than usual; said only when it is known what is usual."""
    return typical.learned and now - (job.started_at or now) > typical.p90
