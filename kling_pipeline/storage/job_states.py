"""The states of a job as the column `job.state` holds them, and the sets that queries and rules ask for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

State = Literal[
    "queued",  # admitted and paid into a hold; waits for free concurrency
    "sending",  # the intent is on the disk; the request may be on its way
    "checking",  # Kling's answer was lost; looking for the task
    "running",  # Kling has it
    "saving",  # Kling is done; fetching and storing the files
    "done",  # stored and settled
    "failed",  # ended without a result; the hold went back
    "canceled",  # stopped by its owner; the hold went back
    "unknown",  # the studio cannot go on by itself; the hold stays until the owner decides or Kling tells
]

IN_FLIGHT: tuple[State, ...] = ("sending", "checking", "running")  # counts against the concurrency
ACTIVE: tuple[State, ...] = (*IN_FLIGHT, "saving")
OPEN: tuple[State, ...] = ("queued", *ACTIVE, "unknown")
REFUNDED: tuple[State, ...] = ("failed", "canceled")
ENDED: tuple[State, ...] = ("done", *REFUNDED)


def sql_states(states: Iterable[State]) -> str:
    """Return states as an SQL list, `('failed', 'canceled')`."""
    quoted = ", ".join(f"'{state}'" for state in states)
    return f"({quoted})"
