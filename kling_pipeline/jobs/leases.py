"""Named leases: which process may do what only one should."""

from __future__ import annotations

from kling_pipeline.jobs.engine import LEASE_SECONDS, Engine, is_gone
from kling_pipeline.storage.store import Connection

SCHEDULER_LEASE = "scheduler"  # its holder ticks: it polls Kling and notifies the workers


def hold_lease(db: Connection, engine: Engine, name: str) -> bool:
    """Take or keep a named lease; False while another living process has it."""
    now = engine.now()
    until = now + engine.wait(LEASE_SECONDS)
    row = db.execute("SELECT owner, until FROM lease WHERE name = ?", [name]).fetchone()
    if (
        row is not None
        and row["owner"] != engine.process_id
        and row["until"] > now
        and not is_gone(row["owner"])
    ):
        return False
    db.execute(
        """INSERT INTO lease VALUES (?, ?, ?)
           ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until""",
        [name, engine.process_id, until],
    )
    return True


def is_leased(db: Connection, engine: Engine, name: str) -> bool:
    """Return whether a living process holds a named lease."""
    row = db.execute("SELECT owner, until FROM lease WHERE name = ?", [name]).fetchone()
    return row is not None and row["until"] > engine.now() and not is_gone(row["owner"])


def drop_leases(db: Connection, engine: Engine) -> None:
    """Give this process's leases back, so that the next one need not wait."""
    db.execute("DELETE FROM lease WHERE owner = ?", [engine.process_id])
