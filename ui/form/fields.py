"""The fields of a form, from a request model and the models' limits; conversion of widget values to params and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kling_pipeline.catalog.declaration import Capability, Look, Media
from kling_pipeline.catalog.models import Model

UNSET = ""  # the value of a widget whose field is not sent; a radio cannot hold null
PART_SEP = "__"  # joins a field's name to a part of it that has its own widget
_MAX_CHOICES = 9  # an integer range with at most so many values is shown as a choice
SIMPLE = "simple"  # the kind of camera move that has an axis and an amount
AXES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")


@dataclass
class Field:
    """One field of a request: its values (empty: any) or bounds, and Gradio's components by widget name."""

    capability: str
    name: str
    look: Look
    media: Media | None
    default: Any
    optional: bool
    values: tuple[Any, ...] = ()
    bounds: tuple[float, float] | None = None
    components: dict[str, Any] = field(default_factory=dict)
    previews: dict[str, Any] = field(default_factory=dict)

    @property
    def slots(self) -> list[str]:
        """Name the widgets of a file field: the field itself, or `name__1`, `name__2`, … for a list."""
        most = self.media.most if self.media else 0
        return (
            [self.name] if most == 1 else [f"{self.name}{PART_SEP}{n}" for n in range(1, most + 1)]
        )

    @property
    def widget(self) -> str:
        """Return the kind of widget; a short range of whole numbers becomes a choice."""
        low, high = self.bounds or (0, _MAX_CHOICES + 1)
        if self.look.widget == "number" and self.look.step == 1 and high - low < _MAX_CHOICES:
            return "choice"
        return self.look.widget

    @property
    def auto(self) -> float | None:
        """Return an optional slider's value for "not sent", one step below its minimum; None for other fields."""
        if self.widget != "slider" or not self.optional or self.bounds is None:
            return None
        return round(self.bounds[0] - (self.look.step or 1), 6)

    def read(self, widget_values: Mapping[str, Any]) -> Any:
        """Return the param's value; None when it is not sent."""
        if self.widget == "camera":
            return _read_camera(self.name, widget_values)
        if len(self.slots) > 1:
            return [widget_values[slot] for slot in self.slots if widget_values.get(slot)] or None
        value = widget_values.get(self.name)
        if self.widget == "number" and isinstance(value, str):
            return _read_number(value)
        if self.widget == "session":
            return _read_session_value(value, self.default)
        if value in (None, UNSET) or (self.auto is not None and value <= self.auto):
            return None
        return value

    def write(self, value: Any) -> dict[str, Any] | None:
        """Return the widgets' values for a param, by name; None when no widget can show it."""
        if self.widget == "camera":
            return _write_camera(self.name, value)
        if len(self.slots) > 1:
            return _write_list(self.slots, value)
        if self.widget == "session":
            return {self.name: _write_session_value(value, self.default)}
        if value is None:
            return {self.name: self.auto if self.auto is not None else UNSET}
        if self.widget == "number" and self.optional:
            return {self.name: str(value)}
        if self.values and self.widget in ("choice", "switch", "model"):
            same = [one for one in self.values if str(one) == str(value)]
            return {self.name: same[0]} if same else None
        if self.bounds is not None and not self.bounds[0] <= value <= self.bounds[1]:
            return None
        return {self.name: value}


def read_fields(capability: Capability, models: Iterable[Model]) -> list[Field]:
    """Return the fields that any living model takes, each with the values of all models, in the request's order."""
    rows = [row for row in models if row.status != "retired"]
    schema = capability.request.model_json_schema()
    media = capability.media()
    fields = []
    for name, look in capability.looks().items():
        prop = _merge_nullable(schema["properties"][name])
        if look.widget == "model":
            values: tuple[Any, ...] = tuple(row.name for row in rows)
        elif not any(name in row.limits or name in row.instead for row in rows):
            continue
        elif look.widget == "camera":
            values = _camera_types(prop, schema["$defs"])
        else:
            values = _allowed_values(name, prop, rows)
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
                bounds=(prop["minimum"], prop["maximum"]) if "maximum" in prop else None,
            )
        )
    return fields


def _merge_nullable(prop: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the alternative that is not null into a property of a JSON schema."""
    others = [one for one in prop.get("anyOf", ()) if one.get("type") != "null"]
    return {**prop, **(others[0] if others else {})}


def _camera_types(prop: Mapping[str, Any], classes: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the values of a camera's `type`, from the class that the property refers to."""
    kind = classes[prop["$ref"].rpartition("/")[2]]["properties"]["type"]
    return tuple(kind.get("enum") or [kind["const"]])


def _allowed_values(name: str, prop: Mapping[str, Any], rows: Iterable[Model]) -> tuple[Any, ...]:
    """Return the property's values that some model takes; empty where it names none."""
    limits = [row.limits[name] for row in rows if name in row.limits]
    declared = prop.get("enum", ())
    if prop.get("type") == "boolean":
        declared = (False, True)
    if prop.get("type") == "integer" and "maximum" in prop:
        declared = range(int(prop["minimum"]), int(prop["maximum"]) + 1)
    if any(not limit.values for limit in limits):
        return tuple(declared)
    return tuple(one for one in declared if any(one in limit.values for limit in limits))


def _read_number(text: str) -> Any:
    """Parse a typed number, None for nothing; other text is returned, so that the engine names its fault."""
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
    return dict(zip(slots, files + [UNSET] * (len(slots) - len(files)), strict=True))


def _read_session_value(value: Any, default: Any) -> Any:
    """Parse a hidden box of a session: JSON where the field has a default, else a plain name."""
    if not value or default is None:
        return value or None
    try:
        return json.loads(value)
    except ValueError:
        return None


def _write_session_value(value: Any, default: Any) -> str:
    if not value or value == default:
        return UNSET
    return str(value) if default is None else json.dumps(value)


def _read_camera(name: str, widget_values: Mapping[str, Any]) -> dict[str, Any] | None:
    kind, axis, amount = (
        widget_values.get(f"{name}{PART_SEP}{part}") for part in ("type", "axis", "amount")
    )
    if not kind:
        return None
    return {"type": kind, "config": {axis: amount}} if kind == SIMPLE else {"type": kind}


def _write_camera(name: str, value: Any) -> dict[str, Any]:
    camera = value or {}
    moved = {axis: by for axis, by in (camera.get("config") or {}).items() if by} or {AXES[0]: 0}
    axis, by = next(iter(moved.items()))
    return {
        f"{name}{PART_SEP}type": camera.get("type", UNSET),
        f"{name}{PART_SEP}axis": axis,
        f"{name}{PART_SEP}amount": by,
    }
