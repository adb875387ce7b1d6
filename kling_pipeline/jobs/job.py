"""A job and the one compare-and-swap by which it moves.

queued → sending → running → saving → done
           └→ checking → running | queued | unknown     queued → canceled · any open one but queued → failed
What the studio cannot go on with by itself becomes `unknown`, or is set aside while saving: its owner decides.
Every move happens in one transaction with its ledger rows, its event and its revision. A lost race changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kling_pipeline.errors import NotFound
from kling_pipeline.jobs.states import MOVES, STATUS_TEXTS
from kling_pipeline.storage import ledger
from kling_pipeline.storage.job_states import ENDED, State
from kling_pipeline.storage.store import Connection, bump

_JSON: Mapping[str, type] = {
    **dict.fromkeys(("params", "request", "status", "error", "checkpoint", "endpoint"), dict),
    "outputs": list,
}
_NEEDED = ("params", "request", "status", "checkpoint")


@dataclass(frozen=True)
class Job:
    """A row of the job table as it stood when it was read; times in Unix milliseconds."""

    id: str
    seq: int
    owner: str
    click: int
    variant: int
    capability: str
    model: str
    route: str
    pool: str
    slots: int
    duration_key: str
    template: str | None
    credit_key: str
    params: dict[str, Any]
    request: dict[str, Any]
    price: int
    state: State
    progress: int
    status: dict[str, Any]
    error: dict[str, Any] | None
    cancel_asked: int
    step: int
    checkpoint: dict[str, Any]
    external_task_id: str
    provider_task_id: str | None
    outputs: list[dict[str, Any]] | None
    units: str | None
    version: int
    rev: int
    next_at: int | None
    tries: int
    sends: int
    fence_until: float | None
    absences: int
    doubt_since: int | None
    lease_owner: str | None
    lease_until: int | None
    crashes: int
    created_at: int
    updated_at: int
    started_at: int | None
    ended_at: int | None
    took: int | None
    endpoint: dict[str, Any] | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Job:
        """Return a job from a database row."""
        values = dict(row)
        for name, kind in _JSON.items():
            values[name] = _read(values[name], kind)
        values |= {name: {} for name in _NEEDED if values[name] is None}
        return cls(**values)

    @property
    def label(self) -> str:
        """The short name: the owner's n-th click and the letter of the variant, `14A`."""
        return f"{self.click}{_letter(self.variant)}"


def _read(text: str | None, kind: type) -> Any:
    """Return a column's value; a damaged one is empty, so that its row can still be shown, decided on and paid back."""
    try:
        value = json.loads(text) if text is not None else None
    except ValueError:
        value = None
    return value if isinstance(value, kind) else None


def _letter(number: int) -> str:
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def find_job(db: Connection, job_id: str, owner: str | None = None) -> Job | None:
    """Return a job by id, of one owner if given."""
    row = db.execute("SELECT * FROM job WHERE id = ?", [job_id]).fetchone()
    if row is None or (owner is not None and row["owner"] != owner):
        return None
    return Job.from_row(row)


def own_job(db: Connection, owner: str, job_id: str) -> Job:
    """Return the row as it is now; NotFound also when it is somebody else's."""
    job = find_job(db, job_id, owner)
    if job is None:
        raise NotFound("There is no such job.")
    return job


def move(
    db: Connection, job: Job, to: State, now: int, *, status: str, why: str = "", **changes: Any
) -> Job | None:
    """Move a job by compare-and-swap on its state and version; None when somebody else moved it first.

    Settles on `done`, releases on `failed` and `canceled`. `say` is a key of SAYS; `changes` are columns.
    """
    if to not in MOVES.get(job.state, frozenset()):
        raise ValueError(f"a job does not move from {job.state} to {to}")
    if to in ENDED:
        changes = {
            "ended_at": now,
            "next_at": None,
            "lease_owner": None,
            "lease_until": None,
            **changes,
        }
    moved = update(db, job, now, status=status, state=to, **changes)
    if moved is None:
        return None
    if to == "done":
        ledger.settle(db, job.id)
    elif to in ENDED:
        ledger.release(db, job.id)
    db.execute("INSERT INTO job_event VALUES (?, ?, ?, ?)", [job.id, now, to, why or status])
    return moved


def update(db: Connection, job: Job, now: int, *, status: str = "", **changes: Any) -> Job | None:
    """Change columns of a job by compare-and-swap, with a new revision; None when the row moved on."""
    figures = changes.pop("figures", {})
    if status:
        changes["status"] = {**figures, "code": status}
        progress = STATUS_TEXTS[status][1]
        if progress is not None:
            # What was shown is not taken back; who sends a job to its beginning says so.
            changes.setdefault("progress", max(progress, job.progress))
    return _swap(db, job, {**changes, "updated_at": now, "rev": bump(db)})


def cancel_requested(db: Connection, job_id: str) -> bool:
    """Return whether its owner asked to cancel it, as it stands now."""
    return bool(db.execute("SELECT cancel_asked FROM job WHERE id = ?", [job_id]).fetchone()[0])


def touch(db: Connection, job: Job, **changes: Any) -> Job | None:
    """Change bookkeeping columns that no page shows, by compare-and-swap, without a new revision."""
    return _swap(db, job, changes)


def _swap(db: Connection, job: Job, changes: dict[str, Any]) -> Job | None:
    values = {
        name: json.dumps(value, ensure_ascii=False)
        if name in _JSON and value is not None
        else value
        for name, value in changes.items()
    }
    row = db.execute(
        f"UPDATE job SET version = version + 1, {', '.join(f'{name} = :{name}' for name in values)} "
        "WHERE id = :_id AND state = :_state AND version = :_version RETURNING *",
        {**values, "_id": job.id, "_state": job.state, "_version": job.version},
    ).fetchone()
    return Job.from_row(row) if row else None
