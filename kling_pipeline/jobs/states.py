"""The moves between the states of a job, and the text and progress of each status."""

from __future__ import annotations

from collections.abc import Mapping

from kling_pipeline.storage.job_states import State

MOVES: Mapping[str, frozenset[State]] = {
    "queued": frozenset({"sending", "canceled", "failed", "unknown"}),
    "sending": frozenset({"running", "checking", "queued", "failed", "unknown"}),
    "checking": frozenset({"running", "queued", "unknown", "failed"}),
    "running": frozenset({"saving", "failed", "canceled", "unknown"}),
    "saving": frozenset({"done", "failed", "queued", "canceled"}),
    "unknown": frozenset({"running", "queued", "checking", "canceled"}),
}
# English text with the figures of `job.status`, and the progress it stands for, by status code (the brief's
# protocol). The page has words of its own by code.
STATUS_TEXTS: Mapping[str, tuple[str, int | None]] = {
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
