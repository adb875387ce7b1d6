"""What a lint rule reads: one checked request with its files, its model and its history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kling_pipeline.catalog.declaration import PROMPT_LENGTH, Capability, Finding, Kind
from kling_pipeline.catalog.models import Model


@dataclass(frozen=True)
class Subject:
    """One request about to be paid for.

    `given` is what the user asked for and `sent` what of it goes out; `successor` is the capability's default model;
    `facts` are the measures of its files by field (None: an address, not read) and `step_results` the answers of its
    session's calls; `earlier` counts jobs with the same request and their credits; `paid_by` names the file whose
    length is the price, with the seconds that are taken when it was not read; `pictures` are those of one job.
    """

    capability: Capability
    given: Mapping[str, Any]
    sent: Mapping[str, Any]
    model: Model
    successor: Model
    facts: Mapping[str, Any] = field(default_factory=dict)
    step_results: Mapping[str, Any] = field(default_factory=dict)
    variants: int = 1
    earlier: tuple[int, int] = (0, 0)
    paid_by: tuple[str, int] = ("", 0)
    pictures: int = 1

    @property
    def prompt(self) -> str:
        """The prompt that is sent, "" without one."""
        return str(self.sent.get("prompt") or "")

    def files(self, kind: Kind, *, named: bool = False) -> list[str]:
        """Return the files of a kind in the order of their numbers; with `named`, only those the prompt should name."""
        media = self.capability.media()
        numbered = [name for name in self.capability.numbered if name in media]
        rest = [] if named else [name for name in media if name not in numbered]
        found: list[str] = []
        for name in (*numbered, *rest):
            value = self.sent.get(name)
            if media[name].kind == kind and value:
                found += value if isinstance(value, list) else [value]
        return found

    def adding(self, words: str) -> dict[str, str]:
        """Return the fix that puts words behind the prompt; none where they do not fit."""
        prompt = f"{self.prompt.rstrip()} {words}"
        return {"prompt": prompt} if len(prompt) <= PROMPT_LENGTH else {}


Check = Callable[[Subject], Iterable[Finding]]
