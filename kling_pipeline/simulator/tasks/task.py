"""A task, its status over time, and the ids and seeds of new ones."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kling_pipeline.simulator.rules.create_request import CreateRequest

_EPOCH_MS = 1_735_689_600_000  # 2025-01-01; ids before the year 2031 have 18 digits
_MAX_TEXT = 4096
FINAL_STATUSES = ("succeed", "failed")
_FAILURES = {
    "[fail]": "Generation failed, please try again",
    "[policy]": "Failure to pass the risk control system",
}


@dataclass(frozen=True)
class Task:
    """A task as it is stored; times are Unix milliseconds.

    `due_at` is when it should end, `end_at` when it did (None until its media exist). `result` is
    the task_result to show then, with the names of files in place of links.
    """

    task_id: str
    external_id: str
    family: str
    model: str
    created_at: int
    start_at: int
    due_at: int
    end_at: int | None
    outcome: str
    message: str
    units: str
    pool: str
    slots: int
    seed: int
    watermark: bool
    callback_url: str
    result: Mapping[str, Any]
    info: Mapping[str, Any]

    def status(self, now: int) -> str:
        """Tell the status at a time, as v1 names it (Kling docs, task object, Sept 2026)."""
        if self.end_at is not None and now >= self.end_at:
            return self.outcome
        return "processing" if now >= self.start_at else "submitted"

    def status_changes(self, last: str, now: int) -> list[int]:
        """List the times until now at which a status began, in order, after that of status `last`."""
        begins = {self.status(self.created_at): self.created_at}
        for moment in (self.start_at, self.end_at):
            if moment is not None and moment <= now:
                begins.setdefault(self.status(moment), moment)
        names = list(begins)
        return list(begins.values())[names.index(last) + 1 if last in begins else 0 :]

    def updated_at(self, now: int) -> int:
        """Tell when the status at a time began (ms)."""
        status = self.status(now)
        if status == self.outcome and self.end_at is not None:
            return self.end_at
        return self.start_at if status == "processing" else self.created_at


def now_ms() -> int:
    """Read the clock in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def new_id() -> str:
    """Make an id of 18 digits that sorts by its millisecond."""
    return str(
        800_000_000_000_000_000 + (now_ms() - _EPOCH_MS) * 1_000_000 + secrets.randbelow(10**6)
    )


def fingerprint(request: CreateRequest) -> str:
    """Hash what a request asks for, without the client's own ids and addresses."""
    own = ("external_task_id", "callback_url", "watermark_info")
    body = {name: _digested(one) for name, one in request.body.items() if name not in own}
    text = json.dumps([request.endpoint.family, body], sort_keys=True, ensure_ascii=False)
    # Links to our own files differ from day to day in all but the name of the file.
    text = re.sub(r"https?://[^/\"]+/files/[0-9a-f]+/([^?\"]+)\?Expires=\d+", r"\1", text)
    return hashlib.sha256(text.encode()).hexdigest()


def _digested(value: Any) -> Any:
    """Replace each Base64 file by its hash: they are most of a body."""
    if isinstance(value, dict):
        return {name: _digested(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_digested(one) for one in value]
    is_file = isinstance(value, str) and len(value) > _MAX_TEXT
    return hashlib.sha256(value.encode()).hexdigest() if is_file else value


def derive_seed(server_seed: int, digest: str, earlier: int) -> int:
    """Derive the seed of a rendering: the same on a rerun, another for the n-th equal request."""
    text = f"{server_seed}:{digest}:{earlier}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def planned_outcome(prompt: str) -> tuple[str, str]:
    """Tell the outcome and the task_status_msg that a prompt's marks ask for."""
    for mark, message in _FAILURES.items():
        if mark in prompt:
            return "failed", message
    return "succeed", ""
