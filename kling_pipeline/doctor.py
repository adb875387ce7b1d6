"""Is everything well? Problems are damage to money or files; warnings are things to know. Each says how to mend it."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from typing import Any

from kling_pipeline.errors import KlingError
from kling_pipeline.jobs.concurrency import show_pools
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.job import Job
from kling_pipeline.jobs.leases import SCHEDULER_LEASE, is_leased
from kling_pipeline.jobs.orphans import OwnTask, is_orphan, list_own_tasks, price_orphan, routes
from kling_pipeline.jobs.pause import clock_is_off, notice
from kling_pipeline.storage.audit import audit, check_file, find_dangling
from kling_pipeline.storage.json_sql import json_field
from kling_pipeline.storage.store import Connection

_LISTED = 20  # takes by name; how many there are is said beside
_DISK_FLOOR = 1024**3
_BACKUP = "Stop the studio, keep a copy of its data folder, and put back the last good copy."
_MISSING = "Put the file back from a copy; Kling keeps a result for 30 days."

# What each code says, and how it is mended.
ISSUES: Mapping[str, tuple[str, str]] = {
    "ledger": ("ledger: {detail}", _BACKUP),
    "integrity": ("studio.db: {detail}", _BACKUP),
    "dangling": ("studio.db: a row of {table} points nowhere", _BACKUP),
    "file_missing": ("asset {asset}: its file is missing: {path}", _MISSING),
    "file_size": ("asset {asset}: its file has another size: {path}", _MISSING),
    "orphan": (
        "Kling has task {task} ({external}) and no job waits for it.",
        "It is paid for at Kling. Take it up on the page, at the end of Credits, or fetch it in Kling's console.",
    ),
    "disk": ("Only {mb} MB are free where results are stored.", "Free some space."),
    "no_worker": ("No worker is running: jobs wait until one starts.", "Start the studio or a worker."),
    "paused": (
        "Submits are paused: {message}",
        "Check the keys, the clock and the balance at Kling; submits go on by themselves.",
    ),
    "unordered": ("Kling's list {list} is not newest first; tasks are asked singly.", "Nothing to do."),
    "aside": ("{n} jobs are set aside.", "Press try again on their cards."),
    "unknown": ("{n} jobs have an unknown outcome.", "Decide on their cards; credits stay held."),
    "undecided": ("Take {take}: {said}", "Open its card and decide: again, or its credits back."),
    "undecided_more": ("{n} more takes wait like these.", "Decide on their cards, too."),
    "kling": ("Kling does not answer as it should: {message}", "Check the network and the keys."),
    "proxy": ("Kling is reached over the proxy {address}.", "Nothing to do, if that is meant."),
    "skew": (
        "This clock and Kling's differ by {seconds} s; tokens may be refused.",
        "Set this machine's clock.",
    ),
    "orphans_unseen": ("Not all of Kling's lists could be read for lost tasks.", "Check again later."),
}  # fmt: skip
Issue = dict[str, Any]


def examine(engine: Engine, *, ask_kling: bool = True) -> dict[str, Any]:
    """Return `{"jobs": {state: n}, "audit", "problems", "warnings", "pools"}`, each issue as `{code, figures, …}`.

    Read only, so it is safe beside a running app. Kling is asked while no transaction is open.
    """
    warnings, seen = _ask(engine) if ask_kling else ([], [])
    with engine.store.read() as db:
        counted = db.execute("SELECT state, count(*) AS n FROM job GROUP BY state")
        states = Counter({row["state"]: row["n"] for row in counted})
        findings = audit(db)
        problems = [_issue("ledger", detail=sentence) for sentence in findings]
        problems += _integrity(db) + _files(db, engine)
        problems += [_orphan(engine, db, one) for one in seen if is_orphan(db, one.task)]
        return {
            "jobs": dict(states),
            "audit": findings or "ok",
            "problems": problems,
            "warnings": _warnings(db, engine) + warnings,
            "pools": show_pools(db, engine),
        }


def to_sentences(report: dict[str, Any]) -> dict[str, Any]:
    """Return `{"jobs", "audit", "problems", "warnings"}` for the command line, each issue as one text."""
    listed = {
        kind: [f"{one['message']} {one['next']}" for one in report[kind]]
        for kind in ("problems", "warnings")
    }
    return {"jobs": report["jobs"], "audit": report["audit"], **listed}


def _issue(code: str, /, **figures: Any) -> Issue:
    message, how = ISSUES[code]
    return {"code": code, "figures": figures, "message": message.format(**figures), "next": how}


def _integrity(db: Connection) -> list[Issue]:
    found = [_issue("integrity", detail=detail) for detail in check_file(db)]
    return found + [_issue("dangling", table=table) for table in find_dangling(db)]


def _files(db: Connection, engine: Engine) -> list[Issue]:
    problems = []
    for row in db.execute("SELECT id, path, bytes FROM asset"):
        file = engine.assets / row["path"]
        if not file.exists():
            problems.append(_issue("file_missing", asset=row["id"], path=row["path"]))
        elif file.stat().st_size != row["bytes"]:
            problems.append(_issue("file_size", asset=row["id"], path=row["path"]))
    return problems


def _ask(engine: Engine) -> tuple[list[Issue], list[OwnTask]]:
    """Return how Kling answers, and its tasks that bear an id of this installation."""
    warnings: list[Issue] = []
    seen: list[OwnTask] = []
    try:
        engine.client.look_many(routes(engine)[0], 1, 1)
        seen, failures = list_own_tasks(engine)
    except KlingError as error:
        # Where one list does not answer, a dozen more would only take a dozen times as long.
        warnings, failures = [_issue("kling", code=error.code, message=error.message)], 1
    if engine.client.proxy:
        warnings.append(_issue("proxy", address=engine.client.proxy))
    # An answer that refuses has a date too, and a clock that is off may be why.
    if seconds := clock_is_off(engine):
        warnings.insert(0, _issue("skew", seconds=seconds))
    return warnings + ([_issue("orphans_unseen")] if failures else []), seen


def _orphan(engine: Engine, db: Connection, seen: OwnTask) -> Issue:
    price = price_orphan(engine, db, seen)
    return _issue("orphan", task=seen.task.id, external=seen.task.external_id, price=price)


def _warnings(db: Connection, engine: Engine) -> list[Issue]:
    warnings = []
    free = shutil.disk_usage(engine.settings.studio_data_dir).free
    if free < _DISK_FLOOR:
        warnings.append(_issue("disk", mb=free // 1024**2))
    if not is_leased(db, engine, SCHEDULER_LEASE):
        warnings.append(_issue("no_worker"))
    if paused := notice(db):
        warnings.append(_issue("paused", code=paused["code"], message=paused["message"]))
    for row in db.execute("SELECT key FROM meta WHERE key LIKE 'unordered:%'"):
        warnings.append(_issue("unordered", list=row["key"][10:]))
    for code, where in (
        ("aside", "state = 'saving' AND error IS NOT NULL"),
        ("unknown", "state = 'unknown'"),
    ):
        if n := db.execute(f"SELECT count(*) FROM job WHERE {where}").fetchone()[0]:
            warnings.append(_issue(code, n=n))
    return warnings + _undecided(db)


def _undecided(db: Connection) -> list[Issue]:
    """Return each take that waits for its owner, and each that Kling tells nothing readable of, with what was said."""
    where = f"""state IN ('running', 'checking', 'saving', 'unknown') AND (error IS NOT NULL
                OR {json_field("status", "code")} = 'unreadable')"""
    rows = db.execute(f"SELECT * FROM job WHERE {where} ORDER BY seq DESC LIMIT ?", [_LISTED])
    jobs = [Job.from_row(row) for row in rows]
    texts = [(job.error or job.status).get("message") or job.status.get("said", "") for job in jobs]
    more = db.execute(f"SELECT count(*) FROM job WHERE {where}").fetchone()[0] - len(jobs)
    return [
        *(
            _issue("undecided", take=job.label, job=job.id, said=text)
            for job, text in zip(jobs, texts, strict=True)
        ),
        *([_issue("undecided_more", n=more)] if more > 0 else []),
    ]
