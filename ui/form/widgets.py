"""A field becomes its widgets; the only place where that happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import gradio as gr
from gradio.components import Component

from ui.form.fields import AXES, NONE, SUB, Field
from ui.tongue import Tongue

_WIDE = ("prompt", "text", "model", "slider", "camera", "voice")
_LONG = 9  # letters of a value that still fit into half a row


def build_field(one: Field, tongue: Tongue) -> None:
    """Draws a field: its widgets, and below them the line that says what is wrong or what it needs."""
    wide = one.widget in _WIDE or len(one.slots) > 1
    if one.widget in ("choice", "switch"):
        wide = tongue.longest(one.name, one.values) > _LONG
    if one.widget == "model":
        wide = len(one.values) > 1  # one name alone needs no room for the others
    classes = ["ks-fld", f"ks-{one.widget}", "ks-wide" if wide else "ks-half"]
    with gr.Column(elem_id=f"g-{one.capability}-{one.name}", elem_classes=classes, min_width=0):
        if one.widget == "prompt":
            island("chips", one.name)
        _WIDGETS.get(one.widget, _text)(one, tongue)
        if one.widget == "text":
            island("count", one.name)
        if one.media is not None and one.media.kind == "video":
            island("ways", one.name)
        gr.HTML(
            html_template=f'<div class="ks-note" data-note="{one.name}"></div>',
            js_on_load="window.studioForm?.mount(element)",
            apply_default_css=False,
        )


def build_choices(fields: list[Field], first: str, wide: bool) -> None:
    """The panel of what is chosen between calls: an island, and a hidden box for each value."""
    capability = fields[0].capability
    classes = ["ks-fld", "ks-panel", "ks-wide" if wide else "ks-half"]
    with gr.Column(elem_id=f"p-{capability}", elem_classes=classes, min_width=0):
        island("session", first)
        for one in fields:
            one.parts[one.name] = _hidden(one, one.name)


def island(kind: str, name: str) -> None:
    """A place for one of the scripts that prepare a request; it says which field it stands for."""
    gr.HTML(
        html_template=f'<div class="ks ks-more" data-more="{kind}" data-field="{name}"></div>',
        js_on_load="window.studioPrepare?.mount(element)",
        apply_default_css=False,
    )


def _hidden(one: Field, slot: str) -> gr.Textbox:
    return gr.Textbox(
        value=NONE, visible="hidden", elem_id=f"a-{one.capability}-{slot}", interactive=True
    )


def _voice(one: Field, tongue: Tongue) -> None:
    # The voices depend on the language; Gradio's list would refuse one that it was not built with.
    island("voice", one.name)
    one.parts[one.name] = _hidden(one, one.name)


def _common(one: Field, tongue: Tongue | None, *, part: str = "") -> dict[str, Any]:
    name = part or one.name
    return {
        "label": tongue.field(one.capability, name) if tongue else None,
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
    if one.optional:
        # Gradio's number box cannot stay empty: drawn in a folded part it becomes 0, which is a value.
        one.parts[one.name] = gr.Textbox(
            value=NONE, max_lines=1, placeholder=tongue.word("form.automatic"),
            **_common(one, tongue),
        )  # fmt: skip
        return
    # No bounds here: Gradio would refuse in its own words; the engine names the field and the rule.
    whole = 0 if one.look.step == 1 else None
    one.parts[one.name] = gr.Number(value=one.default, precision=whole, **_common(one, tongue))


# Drawn on a canvas, where the variables of the style sheet are not known: greys that show on both grounds.
_WAVE = gr.WaveformOptions(
    waveform_color="#85888D", waveform_progress_color="#A9ACB1", show_recording_waveform=False
)
_PREVIEWS: dict[str, Callable[..., Component]] = {
    "image": lambda **look: gr.Image(type="filepath", image_mode=None, **look),
    "video": lambda **look: gr.Video(**look),
    "audio": lambda **look: gr.Audio(type="filepath", waveform_options=_WAVE, **look),
}


def _media(one: Field, tongue: Tongue) -> None:
    if len(one.slots) == 1:
        return _slot(one, one.name, tongue.field(one.capability, one.name))
    with gr.Row(elem_classes=["ks-slots"]):
        for n, slot in enumerate(one.slots, 1):
            with gr.Column(elem_id=f"s-{one.capability}-{slot}", min_width=0):
                _slot(one, slot, tongue.numbered(one.capability, one.name, n))


def _slot(one: Field, slot: str, label: Any) -> None:
    kind = one.media.kind if one.media else "image"
    look = {**_common(one, None, part=slot), "label": label}
    one.previews[slot] = _PREVIEWS[kind](
        sources=["upload"], buttons=[], elem_classes=["ks-drop", f"ks-drop-{kind}"], **look
    )
    # The asset id is the value; the picture above only shows it.
    one.parts[slot] = _hidden(one, slot)


def _camera(one: Field, tongue: Tongue) -> None:
    def choices(part: str, values: Iterable[str]) -> list[tuple[Any, str]]:
        return [(tongue.value(f"{one.name}{SUB}{part}", value), value) for value in values]

    one.parts[f"{one.name}{SUB}type"] = gr.Dropdown(
        choices=choices("type", (NONE, *one.values)), value=NONE, filterable=False,
        elem_classes=["ks-list"], **_common(one, tongue, part=f"{one.name}{SUB}type"),
    )  # fmt: skip
    one.parts[f"{one.name}{SUB}axis"] = gr.Radio(
        choices=choices("axis", AXES), value=AXES[0],
        elem_classes=["ks-seg"], **_common(one, tongue, part=f"{one.name}{SUB}axis"),
    )  # fmt: skip
    one.parts[f"{one.name}{SUB}amount"] = gr.Slider(
        -10, 10, value=0, step=one.look.step or 0.5, buttons=[],
        elem_classes=["ks-slide"], **_common(one, tongue, part=f"{one.name}{SUB}amount"),
    )  # fmt: skip


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
    "voice": _voice,
}
