"""Draw fields as Gradio components; no other module makes a widget from a field."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import gradio as gr
from gradio.components import Component

from ui.form.fields import AXES, PART_SEP, UNSET, Field
from ui.words.i18n import Labels

_FULL_ROW = ("prompt", "text", "model", "slider", "camera", "voice")
_MAX_LETTERS = 9  # letters of a value that fit into half a row


def build_field(field: Field, labels: Labels) -> None:
    """Draw a field's widgets, and below them the island of its note: an error, an offer or a refused value."""
    wide = field.widget in _FULL_ROW or len(field.slots) > 1
    if field.widget in ("choice", "switch"):
        wide = labels.longest(field.name, field.values) > _MAX_LETTERS
    if field.widget == "model":
        wide = len(field.values) > 1  # a single name fits into half a row
    classes = ["ks-fld", f"ks-{field.widget}", "ks-wide" if wide else "ks-half"]
    with gr.Column(elem_id=f"g-{field.capability}-{field.name}", elem_classes=classes, min_width=0):
        if field.widget == "prompt":
            island("references", field.name)
        _WIDGETS.get(field.widget, _text)(field, labels)
        if field.widget == "text":
            island("length", field.name)
        if field.media is not None and field.media.kind == "video":
            island("video-picker", field.name)
        gr.HTML(
            html_template=f'<div class="ks-note" data-note="{field.name}"></div>',
            js_on_load="window.studioForm?.mount(element)",
            apply_default_css=False,
        )


def build_session_panel(fields: list[Field], first: str, wide: bool) -> None:
    """Draw the panel of a session's choices: one island beside the field `first`, and a hidden box for each value."""
    capability = fields[0].capability
    classes = ["ks-fld", "ks-panel", "ks-wide" if wide else "ks-half"]
    with gr.Column(elem_id=f"p-{capability}", elem_classes=classes, min_width=0):
        island("session", first)
        for field in fields:
            field.components[field.name] = _hidden_box(field, field.name)


def island(kind: str, name: str) -> None:
    """Add a mount point for a script of `static/`: `kind` names the script, `name` the field."""
    gr.HTML(
        html_template=f'<div class="ks ks-island" data-island="{kind}" data-field="{name}"></div>',
        js_on_load="window.studioPrepare?.mount(element)",
        apply_default_css=False,
    )


def _hidden_box(field: Field, slot: str) -> gr.Textbox:
    return gr.Textbox(
        value=UNSET, visible="hidden", elem_id=f"a-{field.capability}-{slot}", interactive=True
    )


def _voice(field: Field, labels: Labels) -> None:
    # The voices depend on the language; Gradio's list refuses a value that it was not built with.
    island("voice", field.name)
    field.components[field.name] = _hidden_box(field, field.name)


def _options(field: Field, labels: Labels | None, *, part: str = "") -> dict[str, Any]:
    name = part or field.name
    return {
        "label": labels.field(field.capability, name) if labels else None,
        "elem_id": f"f-{field.capability}-{name}",
        "interactive": True,
        "min_width": 0,
    }


def _text(field: Field, labels: Labels) -> None:
    field.components[field.name] = gr.Textbox(
        value=field.default or "",
        lines=6 if field.widget == "prompt" else 3,
        max_lines=14,
        placeholder=labels.placeholder(field.capability, field.name),
        **_options(field, labels),
    )


def _choice(field: Field, labels: Labels) -> None:
    none = [(labels.value(field.name, UNSET), UNSET)] if field.optional else []
    field.components[field.name] = gr.Radio(
        choices=[*none, *((labels.value(field.name, value), value) for value in field.values)],
        value=UNSET if field.default is None else field.default,
        elem_classes=["ks-seg"],
        **_options(field, labels),
    )


def _model(field: Field, labels: Labels) -> None:
    field.components[field.name] = gr.Dropdown(
        choices=list(field.values),
        value=field.default if field.default in field.values else field.values[0],
        filterable=False,
        elem_classes=["ks-list"],
        **_options(field, labels),
    )


def _slider(field: Field, labels: Labels) -> None:
    low, high = field.bounds or (0, 100)
    lowest = low if field.auto is None else field.auto
    field.components[field.name] = gr.Slider(
        minimum=lowest,
        maximum=high,
        step=field.look.step,
        value=lowest if field.default is None else field.default,
        buttons=[],
        elem_classes=["ks-slide"],
        **_options(field, labels),
    )


def _number(field: Field, labels: Labels) -> None:
    if field.optional:
        # Gradio's number box cannot stay empty: in an accordion it becomes 0, which is a value.
        field.components[field.name] = gr.Textbox(
            value=UNSET, max_lines=1, placeholder=labels.text("form.automatic"),
            **_options(field, labels),
        )  # fmt: skip
        return
    # No bounds: Gradio would refuse with its own text, where the engine names the field and the rule.
    whole = 0 if field.look.step == 1 else None
    field.components[field.name] = gr.Number(
        value=field.default, precision=whole, **_options(field, labels)
    )


# A canvas does not know the style sheet's variables: these greys are visible in both schemes.
_WAVEFORM = gr.WaveformOptions(
    waveform_color="#85888D", waveform_progress_color="#A9ACB1", show_recording_waveform=False
)
_PREVIEWS: dict[str, Callable[..., Component]] = {
    "image": lambda **options: gr.Image(type="filepath", image_mode=None, **options),
    "video": lambda **options: gr.Video(**options),
    "audio": lambda **options: gr.Audio(type="filepath", waveform_options=_WAVEFORM, **options),
}


def _media(field: Field, labels: Labels) -> None:
    if len(field.slots) == 1:
        return _slot(field, field.name, labels.field(field.capability, field.name))
    with gr.Row(elem_classes=["ks-slots"]):
        for n, slot in enumerate(field.slots, 1):
            with gr.Column(elem_id=f"s-{field.capability}-{slot}", min_width=0):
                _slot(field, slot, labels.numbered(field.capability, field.name, n))


def _slot(field: Field, slot: str, label: Any) -> None:
    kind = field.media.kind if field.media else "image"
    options = {**_options(field, None, part=slot), "label": label}
    field.previews[slot] = _PREVIEWS[kind](
        sources=["upload"], buttons=[], elem_classes=["ks-drop", f"ks-drop-{kind}"], **options
    )
    # The value is the asset id; the preview above only shows the file.
    field.components[slot] = _hidden_box(field, slot)


def _camera(field: Field, labels: Labels) -> None:
    def choices(part: str, values: Iterable[str]) -> list[tuple[Any, str]]:
        return [(labels.value(f"{field.name}{PART_SEP}{part}", value), value) for value in values]

    field.components[f"{field.name}{PART_SEP}type"] = gr.Dropdown(
        choices=choices("type", (UNSET, *field.values)), value=UNSET, filterable=False,
        elem_classes=["ks-list"], **_options(field, labels, part=f"{field.name}{PART_SEP}type"),
    )  # fmt: skip
    field.components[f"{field.name}{PART_SEP}axis"] = gr.Radio(
        choices=choices("axis", AXES), value=AXES[0],
        elem_classes=["ks-seg"], **_options(field, labels, part=f"{field.name}{PART_SEP}axis"),
    )  # fmt: skip
    field.components[f"{field.name}{PART_SEP}amount"] = gr.Slider(
        -10, 10, value=0, step=field.look.step or 0.5, buttons=[],
        elem_classes=["ks-slide"], **_options(field, labels, part=f"{field.name}{PART_SEP}amount"),
    )  # fmt: skip


_WIDGETS: dict[str, Callable[[Field, Labels], None]] = {
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
