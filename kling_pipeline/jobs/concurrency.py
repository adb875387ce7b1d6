"""Fair use of the account: how many tasks a pool takes at once, as configured or learned from refusals."""

from __future__ import annotations

import json
from typing import Any

from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.pause import notice
from kling_pipeline.storage.job_states import IN_FLIGHT, sql_states
from kling_pipeline.storage.store import Connection, get_meta, set_meta

_RAISE_SECONDS = 120.0  # without a refusal for this long, one more is tried
_CALM_SECONDS = 5.0  # after a rest, so long without a refusal before a pool goes on as usual


def read_caps(db: Connection, engine: Engine) -> dict[str, int]:
    """Tasks at once by pool, where a number is known: learned, and never more than STUDIO_PLACES."""
    caps = dict(engine.settings.studio_places)
    for row in db.execute("SELECT name, cap FROM pool"):
        caps[row["name"]] = min(row["cap"], caps.get(row["name"], row["cap"]))
    return caps


def has_capacity(db: Connection, engine: Engine, pool: str, slots: int) -> bool:
    """Return whether a pool has capacity for so many slots; one task may always try when none is in flight."""
    if not _may_send(db, engine, pool):
        return False
    used, cap = _used(db, pool), read_caps(db, engine).get(pool)
    return cap is None or used == 0 or used + slots <= cap


def due_jobs(db: Connection, engine: Engine) -> list[str]:
    """Return jobs to advance: all that are due, but of the queued ones only as many as may find a place."""
    now = engine.now()
    rows = db.execute(
        # Oldest first, since Kling will delete that soonest; what waits for its owner last, in nobody's way.
        """SELECT id, state FROM job WHERE next_at <= ? AND lease_owner IS NULL
           AND state IN ('checking', 'saving', 'unknown')
           ORDER BY state = 'unknown', created_at, seq LIMIT 500""",
        [now],
    ).fetchall()
    undecided = [row["id"] for row in rows if row["state"] == "unknown"]
    work = [row["id"] for row in rows if row["state"] != "unknown"]
    return work + _next_queued(db, engine) + undecided


def _next_queued(db: Connection, engine: Engine) -> list[str]:
    """Queued jobs that may go now, oldest first: no more of a pool than it has places, one while paused."""
    current, now = notice(db), engine.now()
    if current is not None and now < current["until"]:
        return []
    most = 1 if current is not None else 200
    caps, ids = read_caps(db, engine), list[str]()
    for (pool,) in db.execute("SELECT DISTINCT pool FROM job WHERE state = 'queued'").fetchall():
        if not _may_send(db, engine, pool):
            continue
        used = _used(db, pool)
        free = max(caps[pool] - used, 0 if used else 1) if pool in caps else most
        rows = db.execute(
            "SELECT id FROM job WHERE state = 'queued' AND pool = ? AND next_at <= ? ORDER BY seq LIMIT ?",
            [pool, now, min(free, most, 1 if _throttle_state(db, engine, pool) else most)],
        )
        ids += [row["id"] for row in rows]
    return ids


def lower_cap(db: Connection, pool: str, job_id: str, now: int) -> bool:
    """Kling refused one more: the cap is what was in flight beside it; False when that is nothing."""
    cap = _used(db, pool, but=job_id)
    if not cap:
        return False
    db.execute(
        """INSERT INTO pool VALUES (?, ?, ?)
           ON CONFLICT (name) DO UPDATE SET at = excluded.at,
           cap = CASE WHEN excluded.cap < pool.cap THEN excluded.cap ELSE pool.cap END""",
        [pool, cap, now],
    )
    return True


def throttle(db: Connection, engine: Engine, pool: str) -> int:
    """Asked too fast, or others have the places: the pool rests, longer each time; until when, in milliseconds."""
    now, before = engine.now(), _throttle_state(db, engine, pool)
    times = before["times"] + 1 if before else 0
    until = now + engine.wait(min(30.0, 2.0**times))
    set_meta(db, f"pace:{pool}", json.dumps({"until": until, "times": times}))
    return until


def _throttle_state(db: Connection, engine: Engine, pool: str) -> dict[str, int]:
    """Return the rest that a pool takes or has just taken; empty when it goes on as usual."""
    stored = get_meta(db, f"pace:{pool}")
    state: dict[str, int] = json.loads(stored) if stored else {}
    recent = state and engine.now() < state["until"] + engine.wait(_CALM_SECONDS)
    return state if recent else {}


def _may_send(db: Connection, engine: Engine, pool: str) -> bool:
    """Return whether one more may be sent now: not while the pool rests, and one by one for a while after it."""
    state = _throttle_state(db, engine, pool)
    if not state:
        return True
    row = db.execute("SELECT 1 FROM job WHERE pool = ? AND state = 'sending' LIMIT 1", [pool])
    return engine.now() >= state["until"] and row.fetchone() is None


def raise_caps(db: Connection, engine: Engine) -> None:
    """After a quiet time the learned caps grow by one, so that a larger pack is noticed."""
    now = engine.now()
    db.execute(
        "UPDATE pool SET cap = cap + 1, at = ? WHERE at < ?",
        [now, now - engine.wait(_RAISE_SECONDS)],
    )


def show_pools(db: Connection, engine: Engine) -> list[dict[str, Any]]:
    """Return `{name, cap, used}` of each pool whose places are known."""
    caps = sorted(read_caps(db, engine).items())
    return [{"name": name, "cap": cap, "used": _used(db, name)} for name, cap in caps]


def _used(db: Connection, pool: str, but: str = "") -> int:
    row = db.execute(
        f"SELECT coalesce(sum(slots), 0) FROM job WHERE pool = ? AND id <> ? AND state IN {sql_states(IN_FLIGHT)}",
        [pool, but],
    ).fetchone()
    return int(row[0])
