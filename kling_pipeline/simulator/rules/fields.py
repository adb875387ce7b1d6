"""Check the fields of a body one by one: types, lengths, bounds, allowed values."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kling_pipeline.simulator.errors import invalid
from kling_pipeline.simulator.rules.loader import Field

_log = logging.getLogger(__name__)
_MEDIA = ("image", "video", "audio", "video_id", "audio_id")
_TYPES: Mapping[str, type] = {
    "string": str, "image": str, "video": str, "audio": str, "video_id": str, "audio_id": str,
    "bool": bool, "list": list, "object": dict,
}  # fmt: skip


@dataclass(frozen=True)
class MediaField:
    """A field that holds an image, video or sound: an address, an id or Base64."""

    name: str
    value: str
    row: Field
    role: str


def is_given(value: object) -> bool:
    """Tell whether a value counts as given: the vendor's own examples send "" and [] for none."""
    if isinstance(value, dict):
        return any(one not in (None, "", [], {}) for one in value.values())
    return value not in (None, "", [])


def check_fields(
    rows: Mapping[str, Field], body: Mapping[str, Any], at: str = ""
) -> dict[str, Any]:
    """Return the known fields that are given; raises ApiError 1201 at the first wrong one.

    Unknown fields are left out and logged: the vendor seems to ignore them.
    """
    for name in body.keys() - rows.keys():
        _log.info("unknown field %s%s ignored", at, name)
    clean = {}
    for name, row in rows.items():
        value = body.get(name)
        if is_given(value):
            clean[name] = _check(row, value, f"{at}{name}")
        elif row.required:
            raise invalid(f"{at}{name} is required")
    return clean


def check_exactly_one(names: Sequence[str], body: Mapping[str, Any]) -> None:
    """Check that exactly one of several fields is given; raises ApiError 1201."""
    given = sum(name in body for name in names)
    if not given:
        raise invalid(f"{' or '.join(names)} is required")
    if given > 1:
        raise invalid(f"Exactly one of {' and '.join(names)} is required")


def media_fields(
    rows: Mapping[str, Field], clean: Mapping[str, Any], at: str = ""
) -> Iterator[MediaField]:
    """Yield the media fields of a checked body, nested ones too, in the order of the rules."""
    for name, row in rows.items():
        value = clean.get(name)
        if value is None:
            continue
        if row.type in _MEDIA:
            yield MediaField(f"{at}{name}", value, row, row.role)
        elif row.type == "media_list":
            for index, one in enumerate(value):
                yield MediaField(f"{at}{name}[{index}]", one, row, row.role)
        elif row.type == "object":
            yield from media_fields(row.fields, value, f"{at}{name}.")
        elif row.type == "list":
            for index, item in enumerate(value):
                # An image of omni video names its own role: first_frame or end_frame.
                role = item.get("type")
                for found in media_fields(row.items, item, f"{at}{name}[{index}]."):
                    yield MediaField(found.name, found.value, found.row, role or found.role)


def _check(row: Field, value: Any, name: str) -> Any:
    if row.type == "any":
        return value
    if row.type == "id":
        return _check_id(value, name)
    if row.type in ("int", "number"):
        return _check_number(row, value, name)
    if row.type == "media_list":
        return _check_texts(row, value, name)
    fits: bool = isinstance(value, _TYPES[row.type])
    if not fits:
        raise invalid(f"{name} must be {_with_article(row.type)}")
    if row.type == "string":
        return _check_text(row, value, name)
    if row.type == "object":
        return check_fields(row.fields, value, f"{name}.")
    if row.type == "list":
        return _check_list(row, value, name)
    return value


def _check_text(row: Field, value: str, name: str) -> str:
    if row.one_of and value not in row.one_of:
        raise invalid(f"{name} value '{value[:80]}' is invalid")
    if row.max is not None and len(value) > row.max:
        raise invalid(f"{name} must not exceed {row.max:g} characters")
    return value


def _check_number(row: Field, value: Any, name: str) -> int | float:
    wanted = (int,) if row.type == "int" else (int, float)
    if isinstance(value, bool) or not isinstance(value, wanted):
        raise invalid(f"{name} must be {_with_article(row.type)}")
    low = row.min if row.min is not None else value
    high = row.max if row.max is not None else value
    # Written so that NaN, which Python's JSON reader lets through, is out of range as well.
    if not low <= value <= high:
        raise invalid(f"{name} out of range. Please provide a value between {low:g} and {high:g}.")
    return value


def _check_id(value: Any, name: str) -> str:
    # Documented as a 64-bit number; clients that would lose digits send it as text.
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).isdigit():
        raise invalid(f"{name} must be a number")
    return str(value)


def _check_list(row: Field, value: list[Any], name: str) -> list[dict[str, Any]]:
    _check_length(row, value, name)
    checked = []
    for index, item in enumerate(value):
        if not isinstance(item, dict):
            raise invalid(f"{name}[{index}] must be an object")
        checked.append(check_fields(row.items, item, f"{name}[{index}]."))
    return checked


def _check_texts(row: Field, value: Any, name: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise invalid(f"{name} must be a list of strings")
    _check_length(row, value, name)
    return value


def _check_length(row: Field, value: list[Any], name: str) -> None:
    if row.max is not None and len(value) > row.max:
        raise invalid(f"At most {row.max:g} {name} items are allowed.")
    if row.min is not None and len(value) < row.min:
        raise invalid(f"At least {row.min:g} {name} items are required.")


def _with_article(word: str) -> str:
    names = {"bool": "boolean", "int": "integer", "image": "string", "video": "string",
             "audio": "string", "video_id": "string", "audio_id": "string"}  # fmt: skip
    name = names.get(word, word)
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"
