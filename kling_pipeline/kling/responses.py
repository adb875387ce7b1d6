"""From the bytes of an answer to its `data`, or to a KlingError that says what may be done.

Source: Kling docs, error codes, Sept 2026, and texts of the live service recorded on 2026-09-20.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn, TypeGuard

from kling_pipeline.errors import KlingError, Verdict
from kling_pipeline.redaction import mask

__all__ = ["absence", "read_answer"]

_VERDICTS: Mapping[int, Verdict] = {
    **dict.fromkeys((1103, 1200, 1201, 1202, 1203, 1300, 1301), "refused"),
    **dict.fromkeys((1000, 1001, 1002, 1100, 1101, 1102, 1304), "account"),
    **dict.fromkeys((1003, 1004), "token"),
    **dict.fromkeys((1302, 1303), "busy"),
}
# What is plain from the status alone, for answers of a gateway in front of Kling.
_BARE: Mapping[int, Verdict] = {401: "account", 403: "account", 413: "refused", 429: "busy"}
_TAKEN = re.compile(r"external_task_id\b.*\balready exists", re.IGNORECASE | re.DOTALL)
_NO_TASK = re.compile(r"task not found", re.IGNORECASE)
_HIDDEN = re.compile(r"<(script|style|!--).*?(</\1>|-->|$)", re.IGNORECASE | re.DOTALL)
_MARKUP = re.compile(r"<[^>]*(>|$)")
MAX_MESSAGE = 300
MAX_WORDS = 80


def read_answer(status: int, content: bytes) -> Any:
    """Return the `data` of an answer whose code is 0; any other raises KlingError with its verdict."""
    envelope = _envelope(content)
    code = envelope.get("code")
    if not _is_kling_s(code):
        verdict = _BARE.get(status, "uncertain")
        words = _words(envelope, content)
        quoted = f": {words}." if words else "."
        message = f"Kling answered HTTP {status} in words that cannot be read{quoted}"
        _refuse(verdict, message, status)
    if code == 0 and 200 <= status < 300:
        return envelope.get("data")
    message = _plain(envelope.get("message"), MAX_MESSAGE)
    verdict = _VERDICTS.get(code, "uncertain") if 200 <= status < 500 else "uncertain"
    if status in range(300, 400) or code == 0:
        verdict = "uncertain"
    if code == 1201 and verdict == "refused" and _TAKEN.search(message):
        verdict = "exists"
    if code == 0:
        message = f"Kling answered HTTP {status} and code 0 ({message})."
    request_id = _plain(envelope.get("request_id"), 100)
    _refuse(verdict, message or f"Kling answered code {code}.", status, code, request_id)


def _is_kling_s(code: object) -> TypeGuard[int]:
    """Return whether a code is one of Kling's; gateways put the status of HTTP there."""
    if isinstance(code, bool) or not isinstance(code, int):
        return False
    return code == 0 or 1000 <= code < 100_000


def absence(error: KlingError) -> KlingError:
    """Return what an error means as the answer to a look-up: "Task not found", or a bare 404, is `absent`.

    Source: 400/1201 seen live on 2026-09-20; 404/1203 from the table of error codes.
    """
    bare = error.http_status == 404 and error.service_code is None
    missing = error.service_code == 1201 and _NO_TASK.search(error.message)
    if not (bare or (error.verdict == "refused" and (missing or error.service_code == 1203))):
        return error
    return KlingError(
        error.message,
        "absent",
        service_code=error.service_code,
        http_status=error.http_status,
        request_id=error.request_id,
    )


def _words(envelope: Mapping[str, Any], content: bytes) -> str:
    """Return the beginning of an answer that is none of Kling's, without its markup."""
    text = envelope.get("message") or content[: 40 * MAX_WORDS].decode("utf-8", "replace")
    if not isinstance(text, str):
        return ""
    bare = _MARKUP.sub(" ", _HIDDEN.sub(" ", text))
    return _plain(" ".join(bare.split()), MAX_WORDS)


def _envelope(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content, parse_constant=_not_a_number)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _not_a_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _plain(value: object, most: int) -> str:
    """Somebody else's text as one printable line, without what looks like a token."""
    if not isinstance(value, str):
        return ""
    clipped = mask(value[: 4 * most])[:most]
    return "".join(char if char.isprintable() else " " for char in clipped).strip()


def _refuse(
    verdict: Verdict, message: str, status: int, code: int | None = None, request_id: str = ""
) -> NoReturn:
    raise KlingError(message, verdict, service_code=code, http_status=status, request_id=request_id)
