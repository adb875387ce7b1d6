"""Creates that Kling did not answer in words of its own: how many a job has had, and when its owner decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kling_pipeline.errors import KlingError
from kling_pipeline.jobs.job import Job

_SENDS = 3  # after so many the owner decides
_NOT_FOUND = 404
_REPLY_LENGTH = 240  # characters


def count_unanswered(job: Job, error: KlingError) -> dict[str, Any]:
    """Return the checkpoint with one more create that Kling did not answer in words of its own."""
    times = job.checkpoint.get("unanswered", {}).get("times", 0) + 1
    bare = error.http_status if error.service_code is None else None
    facts = {"times": times, "said": error.message[:_REPLY_LENGTH], "status": bare}
    return {**job.checkpoint, "unanswered": facts}


def retries_exhausted(unanswered: Mapping[str, Any]) -> bool:
    """Return whether a create is not sent again without its owner; an address that is "not found" twice stays so."""
    most = 2 if unanswered.get("status") == _NOT_FOUND else _SENDS
    return int(unanswered.get("times", 0)) >= most


def send_refused_error(unanswered: Mapping[str, Any]) -> dict[str, str]:
    """Return what an owner is told of a create that Kling surely has not, however often it was sent."""
    return {
        "code": "send_refused",
        "message": f"Kling did not take this request, sent {unanswered['times']} times: {unanswered['said']}",
        "next": "Nothing was charged there. Send it again, or take the credits back.",
    }
