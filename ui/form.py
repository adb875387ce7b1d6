"""A request model becomes named widgets; the only place where a field becomes a widget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from gradio.components import Component

from kling_pipeline.capability import Capability, Look, Media
from kling_pipeline.models import Model
from ui.tongue import Tongue

NONE = ""  # what a widget holds for "not asked for"; a radio cannot hold null
SUB = "__"  # joins a field to the part of it that one widget holds
FEW = 5  # more values than this take a row of their own
COUNTABLE = 9  # whole numbers up to here are shown as values to pick


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
    parts: dict[str, Component] = field(default_factory=dict)
    preview: Component | None = None

    @property
    def widget(self) -> str:
        """The widget that shows it; a small whole number is picked, not typed."""
        low, high = self.bounds or (0, COUNTABLE + 1)
        if self.look.widget == "number" and self.look.step == 1 and high - low < COUNTABLE:
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
        value = held.get(self.name)
        if value in (None, NONE) or (self.auto is not None and value <= self.auto):
            return None
        return value

    def write(self, value: Any) -> dict[str, Any] | None:
        """What its widgets hold for a value; None when no widget here can hold it."""
        if self.widget == "camera":
            return _write_camera(self.name, value)
        if value is None:
            return {self.name: self.auto if self.auto is not None else _empty(self)}
        if self.values and self.widget in ("choice", "switch", "model"):
            same = [one for one in self.values if str(one) == str(value)]
            return {self.name: same[0]} if same else None
        if self.bounds is not None and not self.bounds[0] <= value <= self.bounds[1]:
            return None
        return {self.name: value}


def read_fields(capability: Capability, models: Iterable[Model]) -> list[Field]:
    """The fields that some model takes, with every value that some model takes, in the order of the request."""
    rows = [row for row in models if row.status != "retired"]
    schema = capability.request.model_json_schema()["properties"]
    media = capability.media()
    fields = []
    for name, look in capability.looks().items():
        if look.widget == "model":
            values: tuple[Any, ...] = tuple(row.name for row in rows)
        elif not any(name in row.takes or name in row.instead for row in rows):
            continue
        else:
            values = _taken(name, _facts(schema[name]), rows)
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


def build_field(one: Field, tongue: Tongue) -> None:
    """Draws a field: its widgets, and below them the line that says what is wrong or what it needs."""
    wide = one.widget in ("prompt", "text", "model", "slider", "camera")
    classes = ["ks-fld", f"ks-{one.widget}", "ks-wide" if wide else "ks-half"]
    with gr.Column(elem_id=f"g-{one.capability}-{one.name}", elem_classes=classes, min_width=0):
        _WIDGETS[one.widget](one, tongue)
        gr.HTML(
            html_template=f'<div class="ks-note" data-note="{one.name}"></div>',
            js_on_load="window.studioForm?.mount(element)",
            apply_default_css=False,
        )


def _facts(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A property of a JSON schema with the alternative that is not null laid open."""
    others = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    return {**schema, **(others[0] if others else {})}


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


def _empty(one: Field) -> Any:
    return None if one.widget == "number" else NONE


def _common(one: Field, tongue: Tongue, *, part: str = "") -> dict[str, Any]:
    name = f"{one.name}{SUB}{part}" if part else one.name
    return {
        "label": tongue.field(one.capability, name),
        "elem_id": f"f-{one.capability}-{name}",
        "interactive": True,
        "min_width": 0,
    }


def _text(one: Field, tongue: Tongue) -> None:
    one.parts[one.name] = gr.Textbox(
        value=one.default or "",
        lines=6 if one.widget == "prompt" else 3,
        max_lines=14,
        placeholder=tongue.placeholder(one.capability, one.name),
        **_common(one, tongue),
    )


def _choice(one: Field, tongue: Tongue) -> None:
    none = [(tongue.value(one.name, NONE), NONE)] if one.optional else []
    one.parts[one.name] = gr.Radio(
        choices=[*none, *((tongue.value(one.name, value), value) for value in one.values)],
        value=NONE if one.default is None else one.default,
        elem_classes=["ks-seg"],
        **_common(one, tongue),
    )


def _model(one: Field, tongue: Tongue) -> None:
    one.parts[one.name] = gr.Dropdown(
        choices=list(one.values),
        value=one.default if one.default in one.values else one.values[0],
        filterable=False,
        elem_classes=["ks-list"],
        **_common(one, tongue),
    )


def _slider(one: Field, tongue: Tongue) -> None:
    low, high = one.bounds or (0, 100)
    lowest = low if one.auto is None else one.auto
    one.parts[one.name] = gr.Slider(
        minimum=lowest,
        maximum=high,
        step=one.look.step,
        value=lowest if one.default is None else one.default,
        buttons=[],
        elem_classes=["ks-slide"],
        **_common(one, tongue),
    )


def _number(one: Field, tongue: Tongue) -> None:
    # No bounds here: Gradio would refuse in its own words; the engine names the field and the rule.
    whole = 0 if one.look.step == 1 else None
    one.parts[one.name] = gr.Number(value=one.default, precision=whole, **_common(one, tongue))


_PREVIEWS: dict[str, Callable[..., Component]] = {
    "image": lambda **look: gr.Image(type="filepath", image_mode=None, **look),
    "video": lambda **look: gr.Video(**look),
    "audio": lambda **look: gr.Audio(type="filepath", **look),
}


def _media(one: Field, tongue: Tongue) -> None:
    kind = one.media.kind if one.media else "image"
    one.preview = _PREVIEWS[kind](
        sources=["upload"], buttons=[], elem_classes=["ks-drop"], **_common(one, tongue)
    )
    # The asset id is the value; the picture above only shows it.
    one.parts[one.name] = gr.Textbox(
        value="", visible="hidden", elem_id=f"a-{one.capability}-{one.name}", interactive=True
    )


_AXES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")
_MOVES = ("simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward")


def _camera(one: Field, tongue: Tongue) -> None:
    def choices(part: str, values: Iterable[str]) -> list[tuple[Any, str]]:
        return [(tongue.value(f"{one.name}{SUB}{part}", value), value) for value in values]

    one.parts[f"{one.name}{SUB}type"] = gr.Dropdown(
        choices=choices("type", (NONE, *_MOVES)), value=NONE, filterable=False,
        elem_classes=["ks-list"], **_common(one, tongue, part="type"),
    )  # fmt: skip
    one.parts[f"{one.name}{SUB}axis"] = gr.Radio(
        choices=choices("axis", _AXES), value=_AXES[0],
        elem_classes=["ks-seg"], **_common(one, tongue, part="axis"),
    )  # fmt: skip
    one.parts[f"{one.name}{SUB}amount"] = gr.Slider(
        -10, 10, value=0, step=one.look.step or 0.5, buttons=[],
        elem_classes=["ks-slide"], **_common(one, tongue, part="amount"),
    )  # fmt: skip


def _read_camera(name: str, held: Mapping[str, Any]) -> dict[str, Any] | None:
    move = held.get(f"{name}{SUB}type")
    if not move:
        return None
    if move != "simple":
        return {"type": move}
    return {"type": move, "config": {held[f"{name}{SUB}axis"]: held[f"{name}{SUB}amount"]}}


def _write_camera(name: str, value: Any) -> dict[str, Any]:
    held = value or {}
    moved = {axis: by for axis, by in (held.get("config") or {}).items() if by} or {_AXES[0]: 0}
    axis, by = next(iter(moved.items()))
    return {
        f"{name}{SUB}type": held.get("type", NONE),
        f"{name}{SUB}axis": axis,
        f"{name}{SUB}amount": by,
    }


_WIDGETS: dict[str, Callable[[Field, Tongue], None]] = {
    "prompt": _text,
    "text": _text,
    "choice": _choice,
    "switch": _choice,
    "model": _model,
    "slider": _slider,
    "number": _number,
    "media": _media,
    "camera": _camera,
}
