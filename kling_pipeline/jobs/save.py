"""Saving, `saving` to `done`: fetch, check and store the result files, then settle."""

from __future__ import annotations

import logging
import secrets
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kling_pipeline.errors import KlingError, ResultError
from kling_pipeline.jobs.endpoints import route_of
from kling_pipeline.jobs.engine import LEASE_SECONDS, Engine
from kling_pipeline.jobs.failpoint import failpoint
from kling_pipeline.jobs.job import Job, find_job, move, touch, update
from kling_pipeline.jobs.lookup import look_at, output_rows
from kling_pipeline.jobs.save_failures import record_save_failure
from kling_pipeline.jobs.uploads import ASSET
from kling_pipeline.media.files import Facts, make_poster, store_file, verify_result
from kling_pipeline.storage.store import Connection

log = logging.getLogger(__name__)
_File = tuple[Path, Facts, dict[str, Any]]
CAPS = {"video": 2 * 1024**3, "image": 100 * 1024**2, "audio": 200 * 1024**2}
# Attempts that each brought a whole file of the right kind that cannot be read, after which it is what Kling has.
_SURE = 3


def save(engine: Engine, job: Job) -> None:
    """Fetch and store the files of a job whose task succeeded; any trouble is tried again later."""
    claimed = engine.store.write(lambda db: _claim(db, engine, job.id))
    if claimed is None:
        return
    failpoint("saving")
    active = _ActiveSave(engine, claimed)
    # A folder of its own: a process that slept through its lease may wake up and go on writing.
    folder = engine.incoming / f"{claimed.id}.{claimed.version}"
    engine.active_jobs.add(claimed.id)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = _fetch_all(engine, active, folder)
        failpoint("fetched")
        assets = [_store(engine, claimed, index, *file) for index, file in enumerate(files)]
        failpoint("stored")
        engine.store.write(lambda db: _settle(db, engine, active.job, assets))
        failpoint("settled")
    except (ResultError, KlingError, OSError) as error:
        _postpone(engine, active, error)
    finally:
        engine.active_jobs.discard(claimed.id)
        shutil.rmtree(folder, ignore_errors=True)


class _ActiveSave:
    """The job in hand, its lease renewed and its progress told while bytes arrive."""

    def __init__(self, engine: Engine, job: Job) -> None:
        self.engine, self.job, self._reported_at = engine, job, time.monotonic()
        # How many attempts found a file unreadable, by its index as text.
        self.unread: dict[str, int] = dict(job.checkpoint.get("unread", {}))
        self._before = dict(self.unread)

    def count_unreadable(self, index: int) -> None:
        """Count a file that cannot be read, once an attempt."""
        self.unread[str(index)] = self._before.get(str(index), 0) + 1

    def status(self, code: str, **figures: Any) -> None:
        """Tell the page, and keep the lease."""
        now = self.engine.now()
        until = now + self.engine.wait(LEASE_SECONDS)
        moved = self.engine.store.write(
            lambda db: update(db, self.job, now, status=code, figures=figures, lease_until=until)
        )
        if moved is None:
            raise ResultError("Another worker has taken this job over.", code="lease_lost")
        self.job, self._reported_at = moved, time.monotonic()

    def on_bytes(self, got: int, size: int | None) -> None:
        """Called while bytes arrive; at most one row a second."""
        if time.monotonic() - self._reported_at > max(0.2, self.engine.settings.scaled(1)):
            self.status("downloading", got=got, size=size)


def _claim(db: Connection, engine: Engine, job_id: str) -> Job | None:
    job, now = find_job(db, job_id), engine.now()
    if job is None or job.state != "saving" or job.lease_owner or (job.next_at or 0) > now:
        return None
    # Set aside: who takes it up clears the error, so that no late message does.
    if job.error is not None:
        return None
    # A slow server may keep a thread for minutes; one stays free for what is to be sent.
    busy = db.execute(
        "SELECT count(*) FROM job WHERE state = 'saving' AND lease_owner = ?", [engine.process_id]
    ).fetchone()[0]
    if busy >= max(1, engine.settings.studio_workers - 1):
        return None
    until = now + engine.wait(LEASE_SECONDS)
    return update(
        db, job, now, status="downloading", lease_owner=engine.process_id, lease_until=until
    )


def _fetch_all(engine: Engine, active: _ActiveSave, folder: Path) -> list[_File]:
    """Return every output in Kling's order; what did not come whole is asked for once more by fresh links.

    ResultError `result_unreadable` when only files that cannot be read are missing; `held.unread` then counts them.
    """
    files: dict[int, _File] = {}
    for fresh in (False, True):
        before = active.job.outputs or []
        outputs = _fresh_outputs(engine, active) if fresh else before
        if not outputs and not fresh:
            continue
        if not outputs:
            raise ResultError("Kling says done but names no file.", code="result_missing")
        if [_identify(one) for one in before] != [_identify(one) for one in outputs]:
            files.clear()  # of other files than those that came
        failure = _fetch_missing(engine, active, folder, outputs, files)
        if failure is None:
            return [files[index] for index in range(len(outputs))]
    assert failure is not None
    raise failure


def _fetch_missing(
    engine: Engine,
    active: _ActiveSave,
    folder: Path,
    outputs: list[dict[str, Any]],
    files: dict[int, _File],
) -> ResultError | None:
    """Fetch and verify what is not among the files yet; the last failure, if there is one."""
    failure: ResultError | None = None
    came = []
    for index, one in enumerate(outputs):
        if index in files:
            continue
        try:
            part = folder / str(index)
            engine.client.download(
                one["url"], part, cap=CAPS[one["kind"]], on_bytes=active.on_bytes
            )
            came.append(index)
        except ResultError as error:
            if error.code in ("lease_lost", "result_too_large"):
                raise
            failure = error
    # From here on a crash counts: it may be this very file that ends the process.
    active.status("storing")
    for index in came:
        part, one = folder / str(index), outputs[index]
        try:
            facts = verify_result(
                part, one["kind"], unread=active.unread.get(str(index), 0) >= _SURE
            )
            files[index] = part, facts, one
        except ResultError as error:
            failure = failure or error
            if error.code == "result_unreadable":
                active.count_unreadable(index)
    return failure


def _fresh_outputs(engine: Engine, active: _ActiveSave) -> list[dict[str, Any]]:
    route = route_of(engine, active.job)
    task = look_at(engine, route, active.job)
    outputs = _align(active.job.outputs or [], output_rows(task))
    moved = engine.store.write(lambda db: touch(db, active.job, outputs=outputs))
    if moved is None:
        raise ResultError("Another worker has taken this job over.", code="lease_lost")
    active.job = moved
    return outputs


def _align(before: list[dict[str, Any]], outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Fresh links in the order that was told first; ResultError when Kling tells fewer files than it did."""
    if len(outputs) < len(before):
        raise ResultError(
            f"Kling told of {len(before)} files and now of {len(outputs)}.", code="result_missing"
        )
    fresh = {_identify(one): one for one in outputs}
    order = [_identify(one) for one in before]
    if len(fresh) < len(outputs) or not fresh.keys() >= set(order):
        return outputs
    more = [one for name, one in fresh.items() if name not in order]
    return [*(fresh[name] for name in order), *more]


def _identify(output: Mapping[str, Any]) -> object:
    """Return what a file is known by from one answer to the next: Kling's own id, else its own number."""
    return output.get("provider_id") or output.get("index")


def _store(
    engine: Engine, job: Job, index: int, part: Path, facts: Facts, output: dict[str, Any]
) -> dict[str, Any]:
    stored = store_file(part, engine.assets, facts.sha256, facts.suffix)
    poster = stored.with_name(f"{facts.sha256}.poster.jpg")
    has_poster = poster.exists() or make_poster(stored, facts.kind, poster)
    return {
        "id": ASSET + secrets.token_hex(16),
        "owner": job.owner,
        "role": "result",
        "job_id": job.id,
        "position": index,
        "kind": facts.kind,
        "mime": facts.mime,
        "sha256": facts.sha256,
        "path": str(stored.relative_to(engine.assets)),
        "bytes": facts.bytes,
        "width": facts.width,
        "height": facts.height,
        "duration": facts.duration,
        "fps": facts.fps,
        "poster": str(poster.relative_to(engine.assets)) if has_poster else None,
        "provider_id": output.get("provider_id"),
        "created_at": engine.now(),
    }


def _settle(db: Connection, engine: Engine, job: Job, assets: list[dict[str, Any]]) -> None:
    """The one transaction that ends a paid job: its files, its settlement, its state."""
    if not all((engine.assets / row["path"]).exists() for row in assets):
        raise ResultError("A stored file is gone; it is fetched again.", code="result_missing")
    if (
        move(db, job, "done", engine.now(), status="done", error=None, crashes=0, outputs=None)
        is None
    ):
        return
    for row in assets:
        db.execute(
            f"INSERT INTO asset ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})",
            row,
        )


def _postpone(
    engine: Engine, active: _ActiveSave, error: ResultError | KlingError | OSError
) -> None:
    code = getattr(error, "code", "disk")
    log.warning("saving %s: %s", active.job.external_task_id, code)
    engine.store.write(
        lambda db: record_save_failure(db, engine, active.job, active.unread, code, error)
    )
