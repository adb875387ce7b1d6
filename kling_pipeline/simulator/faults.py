"""Faults on demand: which requests go wrong, and how."""

from __future__ import annotations

import json
import random
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

KINDS = {
    "latency": "the answer waits `seconds`; the work is done before",
    "late": "the request is served `seconds` later, even if the client has gone by then",
    "lost_before": "the connection breaks and nothing was done",
    "lost_after": "the work is done and the connection breaks",
    "refuse": "the service answers with `code`; `after` says that the work was done",
    "status": "a bare HTTP `status` with an HTML page; `after` says that the work was done",
    "cut": "the body ends half-way and the connection breaks",
    "stall": "the body stops half-way for `seconds`, then the connection breaks",
    "expired": "a download is refused with 403, and the link stays dead; a new query gives another",
    "hostile": "the answer's body is `body`: huge, malformed, other_task, wrong_types, empty, html",
}
OPERATIONS = ("create", "call", "look", "list", "account", "download", "any")
BODIES = ("huge", "malformed", "other_task", "wrong_types", "empty", "html")
DUPLICATES = ("refuse", "tolerate", "first")


@dataclass
class Fault:
    """One fault; it applies to requests of operation `on` whose path begins with `path`.

    The first `skip` of them pass, then a share of `rate` is hit, at most `times` of them (0: no
    limit); `seen` and `met` count those that applied and were hit. `seconds` are real ones,
    whatever the simulator's speed. Raises ValueError for an unknown kind, operation or body.
    """

    kind: str
    on: str = "any"
    path: str = ""
    rate: float = 1.0
    skip: int = 0
    times: int = 0
    seconds: float = 1.0
    code: int = 5000
    status: int = 502
    body: str = "malformed"
    after: bool = False
    seen: int = 0
    met: int = 0

    def __post_init__(self) -> None:
        for name, allowed in (("kind", KINDS), ("on", OPERATIONS), ("body", BODIES)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"a fault's {name} is one of {', '.join(allowed)}")


class Faults:
    """The faults of one simulator, and how it treats a repeated external id.

    `duplicates` is "refuse" (seen live for text to video), "tolerate" (a second task is made) or
    "first" (the first task is answered again): the vendor does not document it for every path.
    """

    def __init__(self, seed: int, file: Path | None = None) -> None:
        self._chance = random.Random(seed)
        self._faults: list[Fault] = []
        self.duplicates = "refuse"
        if file is not None:
            text = file.read_text(encoding="utf-8")
            self.replace(tomllib.loads(text) if file.suffix == ".toml" else json.loads(text))

    def replace(self, given: Mapping[str, Any]) -> None:
        """Replace all faults by {"faults": [...], "duplicates": ...}; raises ValueError."""
        duplicates = str(given.get("duplicates", "refuse"))
        if duplicates not in DUPLICATES:
            raise ValueError(f"duplicates is one of {', '.join(DUPLICATES)}")
        self._faults = [_read(row) for row in given.get("faults", [])]
        self.duplicates = duplicates

    def as_json(self) -> dict[str, Any]:
        """Return the faults in the form that `replace` takes, with their counts."""
        return {"duplicates": self.duplicates, "faults": [asdict(fault) for fault in self._faults]}

    def choose(self, operation: str, path: str) -> Fault | None:
        """Choose the fault of a request, the first that is due, and count it."""
        for fault in self._faults:
            if fault.on not in (operation, "any") or not path.startswith(fault.path):
                continue
            fault.seen += 1
            used_up = 0 < fault.times <= fault.met
            if fault.seen <= fault.skip or used_up or self._chance.random() >= fault.rate:
                continue
            fault.met += 1
            return fault
        return None


def _read(row: Mapping[str, Any]) -> Fault:
    known = {field.name for field in fields(Fault)} - {"seen", "met"}
    unknown: Iterable[str] = row.keys() - known
    if unknown or "kind" not in row:
        raise ValueError(f"a fault has a kind and of {sorted(known)} what it needs, not {unknown}")
    return Fault(**row)
