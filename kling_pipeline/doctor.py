"""Is everything well? Problems are damage to money or files; warnings are things to know."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import Any

from kling_pipeline.audit import audit
from kling_pipeline.engine import Engine
from kling_pipeline.errors import KlingError
from kling_pipeline.identity import installation_mark
from kling_pipeline.leases import lease_is_held
from kling_pipeline.pauses import notice
from kling_pipeline.states import ENDED
from kling_pipeline.store import Connection, get_meta

_DISK_FLOOR = 1024**3
_SKEW_SECONDS = 2.0


def examine(engine: Engine, *, ask_kling: bool = True) -> dict[str, Any]:
    """`{"jobs": {state: n}, "audit", "problems", "warnings"}`; reads only, so it is safe beside a running app."""
    with engine.store.read() as db:
        states = Counter(
            {row["state"]: row["n"] for row in db.execute(
                "SELECT state, count(*) AS n FROM job GROUP BY state")}
        )  # fmt: skip
        findings = audit(db)
        problems = [f"ledger: {sentence}" for sentence in findings]
        problems += _integrity(db)
        problems += _files(db, engine)
        warnings = _warnings(db, engine)
        lost = _orphans(db, engine) if ask_kling else []
    if ask_kling:
        warnings += _account(engine)
    return {
        "jobs": dict(states),
        "audit": findings or "ok",
        "problems": problems + lost,
        "warnings": warnings,
    }


def _integrity(db: Connection) -> list[str]:
    rows = [row[0] for row in db.execute("PRAGMA quick_check(5)")]
    found = [] if rows == ["ok"] else [f"studio.db: {row}" for row in rows]
    broken = db.execute("PRAGMA foreign_key_check").fetchall()
    return found + [f"studio.db: a row of {row[0]} points nowhere" for row in broken[:5]]


def _files(db: Connection, engine: Engine) -> list[str]:
    rows = db.execute("SELECT id, path, bytes FROM asset")
    problems = []
    for row in rows:
        file = engine.assets / row["path"]
        if not file.exists():
            problems.append(f"asset {row['id']}: its file is missing: {row['path']}")
        elif file.stat().st_size != row["bytes"]:
            problems.append(f"asset {row['id']}: its file has another size: {row['path']}")
    return problems


def _orphans(db: Connection, engine: Engine) -> list[str]:
    """Tasks at Kling with an id of this installation that no job waits for: paid, and nobody would fetch them."""
    mark = installation_mark(get_meta(db, "secret"))
    routes = {
        model.route.id: model.route
        for name in engine.catalog.capabilities
        for model in engine.catalog.models(name)
    }
    problems = []
    for route in routes.values():
        try:
            tasks = engine.client.look_many(route, 1, 500)
        except KlingError:
            continue
        for task in tasks:
            if not (task.external_id or "").startswith(mark) or task.status == "failed":
                continue
            job = db.execute(
                "SELECT state, provider_task_id FROM job WHERE external_task_id = ?",
                [task.external_id],
            ).fetchone()
            if job is None or (job["state"] in ENDED and job["provider_task_id"] is None):
                problems.append(
                    f"Kling has task {task.id} ({task.external_id}) and no job waits for it."
                )
    return problems


def _warnings(db: Connection, engine: Engine) -> list[str]:
    warnings = []
    free = shutil.disk_usage(engine.settings.studio_data_dir).free
    if free < _DISK_FLOOR:
        warnings.append(f"Only {free // 1024**2} MB are free where results are stored.")
    if not lease_is_held(db, engine, "pump"):
        warnings.append("No worker is running: jobs wait until one starts.")
    paused = notice(db)
    if paused:
        warnings.append(f"Submits are paused: {paused['message']} {paused['next']}")
    for row in db.execute("SELECT key FROM meta WHERE key LIKE 'unordered:%'"):
        warnings.append(
            f"Kling's list {row['key'][10:]} is not newest first; tasks are asked singly."
        )
    aside = db.execute(
        "SELECT count(*) FROM job WHERE state = 'saving' AND error IS NOT NULL"
    ).fetchone()[0]
    if aside:
        warnings.append(f"{aside} jobs are set aside; press try again on their cards.")
    unknown = db.execute("SELECT count(*) FROM job WHERE state = 'unknown'").fetchone()[0]
    if unknown:
        warnings.append(f"{unknown} jobs have an unknown outcome and wait for your decision.")
    return warnings


def _account(engine: Engine) -> list[str]:
    route = next(
        model.route for name in engine.catalog.capabilities for model in engine.catalog.models(name)
    )
    try:
        engine.client.look_many(route, 1, 1)
    except KlingError as error:
        return [f"Kling does not answer as it should: {error.message}"]
    skew = engine.client.skew
    if skew > _SKEW_SECONDS:
        return [f"This clock and Kling's differ by {skew:.0f} s; tokens may be refused."]
    return []
