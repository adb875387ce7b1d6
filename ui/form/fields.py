"""A request model becomes fields that widgets can hold: what each may hold, and how it is read and written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kling_pipeline.catalog.declaration import Capability, Look, Media
from kling_pipeline.catalog.models import Model

NONE = ""  # what a widget holds for "not asked for"; a radio cannot hold null
SUB = "__"  # joins a field to the part of it that one widget holds
_COUNTABLE = 9  # whole numbers up to here are shown as values to pick
SIMPLE = "simple"  # the kind of camera move that has an axis and an amount
AXES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")


@dataclass
class Field:
    """One field of a request as the form knows it: what it may hold, and the widgets that hold it."""

    capability: str
    name: str
    look: Look
    media: Media | None
    default: Any
    optional: bool
    values: tuple[Any, ...] = ()
    bounds: tuple[float, float] | None = None
    parts: dict[str, Any] = field(default_factory=dict)
    previews: dict[str, Any] = field(default_factory=dict)

    @property
    def slots(self) -> list[str]:
        """The names of its parts when it takes files: one, or one for each file of a list."""
        most = self.media.most if self.media else 0
        return [self.name] if most == 1 else [f"{self.name}{SUB}{n}" for n in range(1, most + 1)]

    @property
    def widget(self) -> str:
        """The widget that shows it; a small whole number is picked, not typed."""
        low, high = self.bounds or (0, _COUNTABLE + 1)
        if self.look.widget == "number" and self.look.step == 1 and high - low < _COUNTABLE:
            return "choice"
        return self.look.widget

    @property
    def auto(self) -> float | None:
        """The place left of a slider's lowest value, where an optional one is not sent."""
        if self.widget != "slider" or not self.optional or self.bounds is None:
            return None
        return round(self.bounds[0] - (self.look.step or 1), 6)

    def read(self, held: Mapping[str, Any]) -> Any:
        """The field's value from what its widgets hold; None when it is not asked for."""
        if self.widget == "camera":
            return _read_camera(self.name, held)
        if len(self.slots) > 1:
            return [held[slot] for slot in self.slots if held.get(slot)] or None
        value = held.get(self.name)
        if self.widget == "number" and isinstance(value, str):
            return _read_number(value)
        if self.widget == "session":
            return _read_chosen(value, self.default)
        if value in (None, NONE) or (self.auto is not None and value <= self.auto):
            return None
        return value

    def write(self, value: Any) -> dict[str, Any] | None:
        """What its widgets hold for a value; None when no widget here can hold it."""
        if self.widget == "camera":
            return _write_camera(self.name, value)
        if len(self.slots) > 1:
            return _write_list(self.slots, value)
        if self.widget == "session":
            return {self.name: _write_chosen(value, self.default)}
        if value is None:
            return {self.name: self.auto if self.auto is not None else NONE}
        if self.widget == "number" and self.optional:
            return {self.name: str(value)}
        if self.values and self.widget in ("choice", "switch", "model"):
            same = [one for one in self.values if str(one) == str(value)]
            return {self.name: same[0]} if same else None
        if self.bounds is not None and not self.bounds[0] <= value <= self.bounds[1]:
            return None
        return {self.name: value}


def read_fields(capability: Capability, models: Iterable[Model]) -> list[Field]:
    """The fields that some model takes, with every value that some model takes, in the order of the request."""
    rows = [row for row in models if row.status != "retired"]
    schema = capability.request.model_json_schema()
    kinds, schema = schema.get("$defs", {}), schema["properties"]
    media = capability.media()
    fields = []
    for name, look in capability.looks().items():
        if look.widget == "model":
            values: tuple[Any, ...] = tuple(row.name for row in rows)
        elif not any(name in row.takes or name in row.instead for row in rows):
            continue
        else:
            values = _taken(name, _facts(schema[name]), rows)
        if look.widget == "camera":
            values = _moves(_facts(schema[name]), kinds)
        facts = _facts(schema[name])
        info = capability.request.model_fields[name]
        fields.append(
            Field(
                capability=capability.id,
                name=name,
                look=look,
                media=media.get(name),
                default=None if info.is_required() else info.default,
                optional=not info.is_required() and info.default is None,
                values=values,
                bounds=(facts["minimum"], facts["maximum"]) if "maximum" in facts else None,
            )
        )
    return fields


def _facts(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A property of a JSON schema with the alternative that is not null laid open."""
    others = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    return {**schema, **(others[0] if others else {})}


def _moves(facts: Mapping[str, Any], kinds: Mapping[str, Any]) -> tuple[str, ...]:
    """The kinds of camera move that a request has."""
    kind = kinds[facts["$ref"].rpartition("/")[2]]["properties"]["type"]
    return tuple(kind.get("enum") or [kind["const"]])


def _taken(name: str, facts: Mapping[str, Any], rows: Iterable[Model]) -> tuple[Any, ...]:
    limits = [row.takes[name] for row in rows if name in row.takes]
    known = facts.get("enum", ())
    if facts.get("type") == "boolean":
        known = (False, True)
    if facts.get("type") == "integer" and "maximum" in facts:
        known = range(int(facts["minimum"]), int(facts["maximum"]) + 1)
    if any(not limit.values for limit in limits):
        return tuple(known)
    return tuple(one for one in known if any(one in limit.values for limit in limits))


def _read_number(text: str) -> Any:
    """What was typed as a number; words are left for the engine to name."""
    try:
        return int(text) if text.strip() else None
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def _write_list(slots: list[str], value: Any) -> dict[str, Any] | None:
    files = list(value or [])
    if len(files) > len(slots):
        return None
    return dict(zip(slots, files + [NONE] * (len(slots) - len(files)), strict=True))


def _read_chosen(value: Any, default: Any) -> Any:
    """What was chosen between calls, from the text that a hidden box holds: a name, or JSON."""
    if not value or default is None:
        return value or None
    try:
        return json.loads(value)
    except ValueError:
        return None


def _write_chosen(value: Any, default: Any) -> str:
    if not value or value == default:
        return NONE
    return str(value) if default is None else json.dumps(value)


def _read_camera(name: str, held: Mapping[str, Any]) -> dict[str, Any] | None:
    move = held.get(f"{name}{SUB}type")
    if not move:
        return None
    if move != SIMPLE:
        return {"type": move}
    return {"type": move, "config": {held[f"{name}{SUB}axis"]: held[f"{name}{SUB}amount"]}}


def _write_camera(name: str, value: Any) -> dict[str, Any]:
    held = value or {}
    moved = {axis: by for axis, by in (held.get("config") or {}).items() if by} or {AXES[0]: 0}
    axis, by = next(iter(moved.items()))
    return {
        f"{name}{SUB}type": held.get("type", NONE),
        f"{name}{SUB}axis": axis,
        f"{name}{SUB}amount": by,
    }
