"""The states of a job, the moves between them, and what a job says in each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

State = Literal[
    "queued",  # admitted and paid into a hold; waits for a free place
    "sending",  # the intent is on the disk; the request may be on its way
    "checking",  # Kling's answer was lost; looking for the task
    "running",  # Kling has it
    "saving",  # Kling is done; fetching and storing the files
    "done",  # stored and settled
    "failed",  # ended without a result; the hold went back
    "canceled",  # stopped by its owner; the hold went back
    "unknown",  # the studio cannot go on by itself; the hold stays until the owner decides or Kling tells
]

MOVES: Mapping[str, frozenset[str]] = {
    "queued": frozenset({"sending", "canceled", "failed", "unknown"}),
    "sending": frozenset({"running", "checking", "queued", "failed", "unknown"}),
    "checking": frozenset({"running", "queued", "unknown", "failed"}),
    "running": frozenset({"saving", "failed", "canceled", "unknown"}),
    "saving": frozenset({"done", "failed", "queued", "canceled"}),
    "unknown": frozenset({"running", "queued", "checking", "canceled"}),
}
OPEN = tuple(MOVES)
ENDED = ("done", "failed", "canceled")

# English sentence, with figures of `says`, and progress of each thing a job says (the brief's protocol); the page
# has its own words by code.
SAYS: Mapping[str, tuple[str, int | None]] = {
    "queued": ("Queued", 0),
    "waiting": ("Waiting for a free place at Kling", None),
    "paused": ("Waiting: Kling refuses this account for now", None),
    "preparing": ("Preparing", 5),
    "submitting": ("Submitting the task", 10),
    "checking": ("Checking with Kling", None),
    "generating": ("Generating", None),
    "late": ("Taking longer than usual; still running", None),
    "unreadable": ("Still asking; Kling answered: {said}", None),
    "unanswered": ("Kling does not answer; it is asked again by itself. {said}", None),
    "downloading": ("Downloading the result", 80),
    "retrying": ("The result could not be fetched yet; trying again. {said}", None),
    "storing": ("Storing the result", 90),
    "done": ("Completed", 100),
    "failed": ("Failed; the credits were given back", None),
    "canceled": ("Canceled; the credits were given back", None),
    "unknown": ("No answer from Kling; the credits stay held", None),
    "undecided": ("{said} The credits stay held until you decide", None),
    "set_aside": ("Set aside; the credits stay held until you decide", None),
}
