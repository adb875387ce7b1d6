"""The credits ledger: double entry, integers, append-only; every function runs inside the caller's transaction.

user → held at submit, held → spent at done, held → user on failure or cancel. A hold leaves `held` once; each posting
has a unique key, so a repeat changes nothing.
"""

from __future__ import annotations

import time
from typing import Any

from kling_pipeline.errors import CreditError, InputError
from kling_pipeline.storage.store import Connection

_LARGEST = 10**9
_KINDS = ("user", "held", "spent")


def grant(db: Connection, owner: str, amount: int, key: str) -> bool:
    """Grant credits once per `key`; False when that key was used before. InputError for a bad amount."""
    if isinstance(amount, bool) or not isinstance(amount, int) or not 0 < amount <= _LARGEST:
        raise InputError.at(
            "amount", f"A grant is a whole number from 1 to {_LARGEST}, not {amount!r}."
        )
    return _post(
        db, f"grant:{owner}:{key}", "grant", owner, amount, ("", "grants"), (owner, "user")
    )


def reserve(db: Connection, owner: str, job_id: str, amount: int, credit_key: str) -> None:
    """Hold the price of one job; CreditError when the balance is smaller."""
    available = balance(db, owner)["available"]
    if amount > available:
        raise CreditError(amount, available)
    db.execute("INSERT INTO hold (job_id, owner, amount) VALUES (?, ?, ?)", [job_id, owner, amount])
    _post(
        db, f"reserve:{job_id}", "reserve", owner, amount, (owner, "user"), (owner, "held"),
        job_id=job_id, credit_key=credit_key,
    )  # fmt: skip


def charge(db: Connection, owner: str, idem: str, amount: int, credit_key: str) -> None:
    """Take the price of a preparation at once, once per key; CreditError when the balance is smaller."""
    available = balance(db, owner)["available"]
    if amount > available:
        raise CreditError(amount, available)
    _post(
        db, idem, "prepare", owner, amount, (owner, "user"), (owner, "spent"), credit_key=credit_key
    )  # fmt: skip


def settle(db: Connection, job_id: str) -> None:
    """Take exactly what was held for a job."""
    _leave(db, job_id, "settled", "settle", "spent")


def release(db: Connection, job_id: str) -> None:
    """Give exactly what was held for a job back."""
    _leave(db, job_id, "released", "release", "user")


def balance(db: Connection, owner: str) -> dict[str, Any]:
    """Return `{"user", "available", "held", "spent"}` in credits."""
    rows = db.execute("SELECT kind, balance FROM account WHERE owner = ?", [owner]).fetchall()
    found = {row["kind"]: row["balance"] for row in rows}
    return {
        "user": owner,
        "available": found.get("user", 0),
        "held": found.get("held", 0),
        "spent": found.get("spent", 0),
    }


def statement(db: Connection, owner: str) -> list[dict[str, Any]]:
    """Return every transaction of an owner, oldest first, with the available balance after it."""
    rows = db.execute(
        """SELECT txn.id, job_id, kind, amount, at, credit_key FROM txn
           WHERE owner = ? ORDER BY id""",
        [owner],
    )
    entries, running = [], 0
    signs = {"grant": 1, "release": 1, "reserve": -1, "prepare": -1, "settle": 0, "adjust": 1}
    for row in rows:
        running += signs[row["kind"]] * row["amount"]
        entries.append({**dict(row), "balance": running})
    return entries


def _leave(db: Connection, job_id: str, state: str, kind: str, to: str) -> None:
    row = db.execute(
        "UPDATE hold SET state = ? WHERE job_id = ? RETURNING owner, amount", [state, job_id]
    ).fetchone()
    if row is None:
        raise LookupError(f"job {job_id} has no hold")
    key = db.execute("SELECT credit_key FROM txn WHERE idem = ?", [f"reserve:{job_id}"]).fetchone()[
        0
    ]
    owner = row["owner"]
    _post(
        db, f"{kind}:{job_id}", kind, owner, row["amount"], (owner, "held"), (owner, to),
        job_id=job_id, credit_key=key,
    )  # fmt: skip


def _account(db: Connection, owner: str, kind: str) -> int:
    db.execute("INSERT OR IGNORE INTO account (owner, kind) VALUES (?, ?)", [owner, kind])
    row = db.execute(
        "SELECT id FROM account WHERE owner = ? AND kind = ?", [owner, kind]
    ).fetchone()
    return int(row[0])


def _post(
    db: Connection,
    idem: str,
    kind: str,
    owner: str,
    amount: int,
    source: tuple[str, str],
    target: tuple[str, str],
    *,
    job_id: str | None = None,
    credit_key: str | None = None,
) -> bool:
    """One transaction of two legs; False when its key was posted before."""
    row = db.execute(
        """INSERT INTO txn (idem, owner, kind, job_id, credit_key, amount, at)
           VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (idem) DO NOTHING RETURNING id""",
        [idem, owner, kind, job_id, credit_key, amount, time.time_ns() // 1_000_000],
    ).fetchone()
    if row is None:
        return False
    for seq, (account, change) in enumerate(
        ((_account(db, *source), -amount), (_account(db, *target), amount))
    ):
        after = db.execute(
            "UPDATE account SET balance = balance + ? WHERE id = ? RETURNING balance",
            [change, account],
        ).fetchone()[0]
        db.execute(
            "INSERT INTO entry VALUES (?, ?, ?, ?, ?)", [row["id"], seq, account, change, after]
        )
    return True
