"""How Kling's API lays out a body, and how its answers read.

Bodies are laid out for the legacy generation only; tasks are read in the shapes of both, since look-ups and callbacks
of the new one tell of tasks that were made through the old.

Every value of an answer is taken for hostile. Where a task's id, owner, status or files are not as documented, it
raises KlingError with the verdict "uncertain", and never anything else: such an answer proves nothing about the task.
What is only told beside them (units, times, the reason) is left out when it cannot be read: it never holds up a result
that is paid for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NoReturn
from urllib.parse import quote

from kling_pipeline.catalog.declaration import Kind, Route
from kling_pipeline.errors import KlingError, StudioError
from kling_pipeline.redaction import mask

__all__ = ["Output", "Page", "Task", "body", "read_page", "read_task"]

Status = Literal["queued", "running", "succeeded", "failed"]

# Both words mean success: legacy answers say the first, the new generation the second.
_STATUS: Mapping[str, Status] = {
    "submitted": "queued",
    "processing": "running",
    "succeed": "succeeded",
    "succeeded": "succeeded",
    "failed": "failed",
}
_KIND: Mapping[str, Kind] = {"videos": "video", "images": "image", "audios": "audio"}
_ID = re.compile(r"(?!\.)[!-~]{1,128}")
_URL = re.compile(r"https?://[^\s%/?#]+([/?#][!-~]*)?", re.IGNORECASE)
_AS_IT_IS = "".join(map(chr, range(0x21, 0x7F)))
_UNITS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,8})?")
_LINK = re.compile(r"\w+://[^\s\"']*")
MAX_LINK = 8000
MAX_QUOTED = 120
MAX_OUTPUTS = 32  # the most that any request asks for is 9 pictures
MAX_PAGE = 1000  # the documented most is 500
MAX_MESSAGE = 500
MAX_MOMENT = 10**14  # ms, the year 5138


@dataclass(frozen=True)
class Output:
    """One result file: its address, Kling's own id of it, its place in the task, its seconds."""

    kind: Kind
    url: str
    provider_id: str | None
    index: int
    duration: float | None = None
    watermark_url: str | None = None


@dataclass(frozen=True)
class Task:
    """A task as Kling tells it: times in Unix ms (0: not told), `units` what Kling took for it (None: not told)."""

    id: str
    external_id: str | None
    status: Status
    message: str = ""
    outputs: tuple[Output, ...] = ()
    units: Decimal | None = None
    created_ms: int = 0


class Page(list[Task]):
    """Tasks in Kling's order; `unread` counts those of the page that cannot be read."""

    unread = 0


def body(
    route: Route, fields: Mapping[str, Any], external_id: str, callback_url: str | None = None
) -> dict[str, Any]:
    """Return the body of a create call: the fields, our external id, and where Kling may call back.

    Source: Kling docs, text to video (legacy), Sept 2026. StudioError for a route of the new
    generation.
    """
    if route.dialect != "legacy":
        raise StudioError(f"{route.id}: only legacy routes can be asked.", code="bad_row")
    laid = {name: value for name, value in fields.items() if value is not None}
    laid["external_task_id"] = external_id
    if callback_url:
        laid["callback_url"] = callback_url
    return laid


def read_task(route: Route, data: object) -> Task:
    """One task out of the `data` of an answer, or out of a callback.

    Source: Kling docs, query task (legacy and new), Sept 2026. KlingError "uncertain" for whatever is not as
    documented.
    """
    if not isinstance(data, dict):
        _unreadable("the task")
    if "task_id" not in data and "id" in data:
        data = _as_legacy(data)
    word = data.get("task_status")
    status = _STATUS.get(word.strip().lower()) if isinstance(word, str) else None
    if status is None:
        _unreadable("task_status", word)
    outputs = _outputs(route, data.get("task_result")) if status == "succeeded" else ()
    if status == "succeeded" and not outputs:
        _unreadable("a task that succeeded without a file, task_result", data.get("task_result"))
    info = data.get("task_info") or {}
    if not isinstance(info, dict):
        _unreadable("task_info")
    external = info.get("external_task_id") or None
    return Task(
        id=_id(data.get("task_id"), "task_id"),
        external_id=None if external is None else _id(external, "external_task_id"),
        status=status,
        message=_message(data.get("task_status_msg")),
        outputs=outputs,
        units=_units(data.get("final_unit_deduction")),
        created_ms=_moment(data.get("created_at")),
    )


def read_page(route: Route, data: object) -> Page:
    """Return the tasks of a page in its order; those that cannot be read are only counted: not all are ours."""
    if not isinstance(data, list) or len(data) > MAX_PAGE:
        _unreadable("the page of tasks")
    page = Page()
    for entry in data:
        try:
            page.append(read_task(route, entry))
        except KlingError:
            page.unread += 1
    return page


def _as_legacy(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task of the new generation in the words of the old one; its units are what packs paid."""
    outputs, billing = data.get("outputs") or [], data.get("billing") or []
    if not isinstance(outputs, list) or not isinstance(billing, list):
        _unreadable("outputs")
    result: dict[str, list[Any]] = {}
    for one in outputs:
        kind = one.get("type") if isinstance(one, dict) else None
        if kind in ("video", "image", "audio"):
            result.setdefault(f"{kind}s", []).append({**one, "url_mp3": one.get("mp3_url")})
    paid = [
        one.get("amount")
        for one in billing
        if isinstance(one, dict) and one.get("charge_type") == "unit"
    ]
    return {
        "task_id": data.get("id"),
        "task_status": data.get("status"),
        "task_status_msg": data.get("message"),
        "task_info": {"external_task_id": data.get("external_id")},
        "task_result": result,
        "final_unit_deduction": paid[0] if paid else None,  # one entry a task in practice
        "created_at": data.get("create_time"),
    }


def _outputs(route: Route, result: object) -> tuple[Output, ...]:
    if not isinstance(result, dict):
        _unreadable("task_result", result)
    items = result.get(route.result) or []
    if route.result == "images":
        # Omni image puts a series beside the single pictures and fills one of the two.
        items = items or result.get("series_images") or []
    if not isinstance(items, list) or len(items) > MAX_OUTPUTS:
        _unreadable(route.result)
    # Pictures have a number of their own; others have an id, and their place.
    own = [item.get("index") if isinstance(item, dict) else None for item in items]
    numbers = [one for one in own if type(one) is int and 0 <= one < MAX_OUTPUTS]
    if len(set(numbers)) < len(items):
        numbers = list(range(len(items)))
    kind = _KIND[route.result]
    return tuple(_output(kind, index, item) for index, item in zip(numbers, items, strict=True))


def _output(kind: Kind, index: int, item: object) -> Output:
    if not isinstance(item, dict):
        _unreadable(f"{kind} {index}")
    url = _link(item.get("url") or item.get("url_mp3"))
    if url is None:
        _unreadable(f"the address of {kind} {index}")
    return Output(
        kind=kind,
        url=url,
        provider_id=_name(item.get("id")),
        index=index,
        duration=_seconds(item.get("duration") or item.get("duration_mp3")),
        watermark_url=_link(item.get("watermark_url")),
    )


def _link(value: object) -> str | None:
    """Return an address in ASCII, its path and query percent-encoded where they are not; None if it is none."""
    if not isinstance(value, str) or len(value) > MAX_LINK or not value.strip().isprintable():
        return None
    link = quote(value.strip(), safe=_AS_IT_IS)
    return link if len(link) <= MAX_LINK and _URL.fullmatch(link) else None


def _id(value: object, what: str) -> str:
    name = _name(value)
    if name is None:
        _unreadable(what)
    return name


def _name(value: object) -> str | None:
    """Return an id; documented as text, but 18 digits also fit a whole number, which JSON tells exactly."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63:
        return str(value)
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _message(value: object) -> str:
    if not isinstance(value, str):
        return ""
    # Not printable are also lone surrogates, which no file can hold, and marks that turn text.
    clipped = value[:MAX_MESSAGE]
    return "".join(char if char.isprintable() else " " for char in clipped).strip()


def _units(value: object) -> Decimal | None:
    # Documented as text; a plain number says the same.
    small = isinstance(value, int | float) and abs(value) < 10**7  # more digits cannot be written
    text = repr(value) if small else value
    return Decimal(text) if isinstance(text, str) and _UNITS.fullmatch(text) else None


def _seconds(value: object) -> float | None:
    """Return the length is measured from the file, so one that cannot be read is only not known."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if 0 < seconds < 86_400 else None


def _moment(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < MAX_MOMENT:
        return 0
    return value


def _unreadable(what: str, value: object = ...) -> NoReturn:
    """The part that cannot be read, quoted so far as it is short and no address: a link may be a key to a file."""
    quoted = ""
    if value is not ...:
        text = _LINK.sub("(a link)", json.dumps(value, ensure_ascii=False, default=str)[:2000])
        quoted = f" {mask(_message(text))[:MAX_QUOTED]}"
    message = f"Kling's answer cannot be read: {what}{quoted}."
    raise KlingError(message, "uncertain", http_status=200)
