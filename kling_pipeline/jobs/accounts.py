"""Accounts: opened with credits when they are first asked for."""

from __future__ import annotations

from typing import Any

from kling_pipeline.jobs.engine import Engine
from kling_pipeline.storage import ledger
from kling_pipeline.storage.store import Connection


def open_account(db: Connection, owner: str, credits: int) -> None:
    """Grant the opening credits once in the life of an account; 0 grants nothing."""
    if credits:
        ledger.grant(db, owner, credits, "opening")


def read_balance(engine: Engine, owner: str) -> dict[str, Any]:
    """Return `{"user", "available", "held", "spent"}`; opens the account when it is new."""
    with engine.store.read() as db:
        if db.execute("SELECT 1 FROM account WHERE owner = ?", [owner]).fetchone():
            return ledger.balance(db, owner)

    def write(db: Connection) -> dict[str, Any]:
        open_account(db, owner, engine.settings.opening_credits)
        return ledger.balance(db, owner)

    return engine.store.write(write)
