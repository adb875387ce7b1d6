"""The error tree: each class says what the caller can do about it.

StudioError             something a person should be told: code, sentence, what next
├─ InputError           the request is wrong; nothing was reserved; `fields` names each field
│  ├─ NotFound          no such thing, or not yours: the same answer for both
│  └─ CreditError       the balance is smaller than the price
├─ StorageError         no room for a file or a row: the disk's floor, or the owner's quota
├─ BusyError            too much of this kind is under way: ask again in a moment
├─ KlingError           Kling refused, or did not answer; `verdict` says which of the two and what may be done
└─ ResultError          a result file is cut, too large or of the wrong kind: fetch it again
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

Verdict = Literal[
    "refused",  # this request will never be accepted: fail it, give the credits back
    "exists",  # the external id is taken: a task of ours is there, adopt it
    "account",  # keys, balance or address: every submit waits, nothing fails
    "token",  # too early or too late for this token: sign anew once
    "busy",  # rate or concurrency: wait and send fewer at once
    "absent",  # no such task
    "uncertain",  # no readable answer: the task may or may not exist
]


class StudioError(Exception):
    """Something a person should be told, with a stable code and what to do next."""

    code = "studio_error"

    def __init__(self, message: str, *, code: str | None = None, next: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.next = next

    def as_dict(self) -> dict[str, object]:
        """Return the public shape: code, message, next."""
        return {"code": self.code, "message": self.message, "next": self.next}


class InputError(StudioError):
    """The request is wrong: nothing was reserved; `fields` maps each wrong field to one sentence.

    `findings` are the linter's where it was the linter that said no, hints included: they know what would help.
    """

    code = "invalid_input"

    def __init__(
        self,
        message: str,
        *,
        fields: dict[str, str] | None = None,
        code: str | None = None,
        next: str = "",
        findings: Sequence[Any] = (),
    ) -> None:
        super().__init__(message, code=code, next=next)
        self.fields = fields or {}
        self.findings = tuple(findings)

    @classmethod
    def at(cls, field: str, sentence: str, *, code: str | None = None) -> InputError:
        """One wrong field."""
        return cls(sentence, fields={field: sentence}, code=code)

    def as_dict(self) -> dict[str, object]:
        """Return the public shape: code, message, fields."""
        return {"code": self.code, "message": self.message, "fields": self.fields}


class NotFound(InputError):
    """There is no such thing, or it is somebody else's; the answer is the same for both."""

    code = "not_found"


class CreditError(InputError):
    """The balance is smaller than the price; nothing was reserved."""

    code = "credits_short"

    def __init__(self, needed: int, available: int) -> None:
        short = needed - available
        super().__init__(
            f"{needed} credits are needed and {available} are available: {short} credits short.",
            next="Lower the number of variants or the length, or grant more credits.",
        )
        self.needed, self.available = needed, available


class StorageError(StudioError):
    """Nothing can be kept: `disk_full` (or its floor), `disk_unwritable`, or `quota_exceeded` (the owner's own)."""

    code = "disk_full"


class BusyError(StudioError):
    """As much of this kind is under way as this machine bears; nothing was taken, the same works in a moment."""

    code = "busy"


class KlingError(StudioError):
    """Kling refused or did not answer; `verdict` says what may be done (Kling docs, error codes, Sept 2026).

    `sent` is False when no byte of the request left this machine, so that nothing can have been made of it;
    `answered` is False while the line or Kling itself is down, and True for any answer, even one that is no HTTP.
    """

    code = "kling_error"

    def __init__(
        self,
        message: str,
        verdict: Verdict,
        *,
        service_code: int | None = None,
        http_status: int | None = None,
        request_id: str = "",
        sent: bool = True,
        answered: bool = False,
    ) -> None:
        super().__init__(
            message, code=f"kling_{service_code}" if service_code else f"kling_{verdict}"
        )
        self.verdict: Verdict = verdict
        self.service_code, self.http_status, self.request_id = service_code, http_status, request_id
        self.sent = sent
        has_answer = http_status is not None or service_code is not None or verdict != "uncertain"
        self.answered = answered or has_answer


class ResultError(StudioError):
    """A result file is cut, over the cap, or not the kind that was asked for."""

    code = "bad_result"
