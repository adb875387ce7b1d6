"""One tab builder for every capability: its form, the pay bar, and the events that hold them together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.utils import get_upload_folder

from kling_pipeline.capability import Capability, Look
from kling_pipeline.errors import InputError
from kling_pipeline.pipeline import Pipeline
from ui.form import Field, build_field, read_fields
from ui.quote import VARIANTS, Quotes
from ui.tongue import Tongue

MOST_VARIANTS = 4
OWNER = "local"  # until sign-in exists
QUICK: dict[str, Any] = {
    "queue": False,
    "concurrency_limit": None,
    "show_progress": "hidden",
    "api_visibility": "private",
}
FRONT = {"fn": None, "queue": False, "show_progress": "hidden", "api_visibility": "private"}

HINTS = '<div class="ks-hints" data-hints aria-live="polite"></div>'
PAY = """<div class="ks-pay" data-pay><button type="button" class="ks-paybtn"><span>–</span></button>
<div class="ks-after"><span class="ks-left"></span>
<details class="ks-working" hidden><summary aria-label="?">?</summary><p></p></details>
<span class="ks-kbds" aria-hidden="true"><kbd>Ctrl</kbd><kbd>Enter</kbd></span></div></div>"""


@dataclass
class Form:
    """A capability's form on the page: its fields, and the parts that are seen by nobody."""

    capability: Capability
    fields: list[Field]
    quotes: Quotes
    order: gr.Textbox
    send: gr.Button
    answer: gr.JSON
    draft: gr.BrowserState

    @property
    def parts(self) -> dict[str, Component]:
        """Every widget that holds a value, by the name under which handlers get it."""
        return {name: part for one in self.fields for name, part in one.parts.items()}

    @property
    def media(self) -> list[Field]:
        """The fields that take a file."""
        return [one for one in self.fields if one.preview is not None]


def build_form(pipeline: Pipeline, capability: Capability) -> Form:
    """The unseen parts of a form; they stand outside the tabs, because a tab is drawn when it is first opened."""
    fields = read_fields(capability, pipeline.catalog.models(capability.id))
    quotes = Quotes(pipeline, capability, fields)
    variants = Field(
        capability=capability.id, name=VARIANTS, look=Look("choice"), media=None, default=1,
        optional=False, values=tuple(range(1, MOST_VARIANTS + 1)),
    )  # fmt: skip
    # Settings first, then how many, then switches: choices of one kind stand beside each other.
    after = next((at for at, one in enumerate(fields) if one.widget == "switch"), len(fields))
    return Form(
        capability=capability,
        fields=[*fields[:after], variants, *fields[after:]],
        quotes=quotes,
        order=gr.Textbox(elem_id=f"order-{capability.id}"),
        send=gr.Button(elem_id=f"send-{capability.id}"),
        answer=gr.JSON(visible=False),
        draft=gr.BrowserState(
            storage_key=f"studio.draft.{capability.id}", secret="kling-studio-draft"
        ),
    )


def build_tab(form: Form, tongue: Tongue) -> None:
    """The form as it is seen: files, prompt, settings, the folded rest, and the pay bar."""
    plain = [one for one in form.fields if not one.look.advanced]
    folded = [one for one in form.fields if one.look.advanced]
    first = [one for one in plain if one.widget == "media"]
    words = [one for one in plain if one.widget in ("prompt", "text")]
    rest = [one for one in plain if one not in first and one not in words]
    name = form.capability.id
    with gr.Column(elem_id=f"form-{name}", elem_classes=["ks-form"]):
        with gr.Column(elem_classes=["ks-fields"]):
            for one in (*first, *words):
                build_field(one, tongue)
            gr.HTML(
                html_template=HINTS,
                js_on_load="window.studioForm?.mount(element)",
                apply_default_css=False,
                elem_classes=["ks-wide"],
            )
            for one in rest:
                build_field(one, tongue)
            if folded:
                label = tongue.advanced(name, [one.name for one in folded])
                with (
                    gr.Accordion(label, open=False, elem_id=f"adv-{name}", elem_classes=["ks-adv"]),
                    gr.Column(elem_classes=["ks-fields", "ks-folded"]),
                ):
                    for one in folded:
                        build_field(one, tongue)
        gr.HTML(
            html_template=PAY,
            js_on_load="window.studioForm?.mount(element)",
            apply_default_css=False,
            elem_classes=["ks-paybar"],
        )


def wire(form: Form) -> None:
    """The events: a change is kept and priced, a file is checked at once, a click buys."""
    parts, quotes = form.parts, form.quotes
    files = [one.parts[one.name] for one in form.media]
    typed = [part.input for part in parts.values() if part not in files]
    paint: dict[str, Any] = {
        "inputs": form.answer,
        "js": "v => window.studioForm?.paint(v)",
        **FRONT,
    }
    keep: dict[str, Any] = {
        "inputs": list(parts.values()),
        "outputs": form.draft,
        "js": f"(...v) => window.studioForm.held({json.dumps(list(parts))}, v)",
        **FRONT,
    }

    def quote(**held: Any) -> dict[str, Any]:
        return quotes.answer(OWNER, held)

    def submit(click: str, **held: Any) -> dict[str, Any]:
        return quotes.sent(OWNER, held, click)

    def change(order: str, **held: Any) -> list[Any]:
        return _changed(form, json.loads(order or "{}"), held)

    gr.on(typed, **keep)
    gr.on(
        typed, quote, inputs_kwargs=parts, outputs=form.answer, trigger_mode="always_last", **QUICK
    ).then(**paint)
    click = f"(c, ...v) => [window.studioForm.click({form.capability.id!r}), ...v]"
    form.send.click(submit, form.order, form.answer, inputs_kwargs=parts, js=click, **QUICK).then(
        **paint
    )
    form.order.input(
        change, form.order, [*parts.values(), form.answer], inputs_kwargs=parts, **QUICK
    ).then(**show_files(form)).then(**keep).then(**paint)
    for one in form.media:
        _wire_file(form, one, keep, paint)


def show_files(form: Form) -> dict[str, Any]:
    """The event that draws the pictures of a form anew, where their files have changed."""
    names = json.dumps([one.name for one in form.media])
    return {
        "inputs": [one.parts[one.name] for one in form.media],
        "outputs": [one.preview for one in form.media],
        "js": f"(...v) => window.studioForm.pictures({form.capability.id!r}, {names}, v)",
        **FRONT,
    }


def restore(form: Form, draft: Any) -> list[Any]:
    """What the widgets hold and the answer for a form that comes back; what no longer exists is named."""
    held = {name: part.value for name, part in form.parts.items()}
    known = {name: value for name, value in (draft or {}).items() if name in held}
    values = {one.name: one.read(known) for one in form.fields if one.parts.keys() & known.keys()}
    order = {"params": values, "what": "all" if values else "prompt"}
    return _changed(form, order, held)


def _changed(form: Form, order: Mapping[str, Any], held: dict[str, Any]) -> list[Any]:
    """Applies an order to what is held: only some fields, the prompt alone, or all with the rest at rest."""
    params = dict(order.get("params") or {})
    if order.get("what") == "all":
        params = {
            **{one.name: one.default for one in form.fields if one.name != VARIANTS},
            **params,
        }
    if order.get("what") == "prompt":
        params = {one.name: params[one.name] for one in form.fields
                  if one.widget == "prompt" and one.name in params}  # fmt: skip
    new, lost = dict(held), []
    by_name = {one.name: one for one in form.fields}
    for name, value in params.items():
        written = by_name[name].write(value) if name in by_name else None
        if written is not None:
            new |= written
        elif value is not None:
            lost.append({"field": name, "value": value if isinstance(value, str | int) else ""})
    answer = {**form.quotes.answer(OWNER, new), "lost": lost, "wrong": {}, "cleared": list(params)}
    updates = [
        gr.skip() if new[name] == held[name] else gr.update(value=new[name]) for name in form.parts
    ]
    return [*updates, answer]


def _wire_file(form: Form, one: Field, keep: dict[str, Any], paint: dict[str, Any]) -> None:
    box, preview = one.parts[one.name], one.preview
    capability = form.capability.id

    def take(file: Any, **held: Any) -> list[Any]:
        try:
            asset, wrong = _checked(form, one, file), {}
        except InputError as error:
            asset, wrong = "", {one.name: error.fields.get(one.name, error.message)}
        said = form.quotes.answer(OWNER, {**held, one.name: asset})
        said |= {"wrong": wrong, "cleared": [] if wrong else [one.name]}
        return [asset, gr.update(value=None) if wrong else gr.skip(), said]

    def drop(**held: Any) -> list[Any]:
        said = form.quotes.answer(OWNER, {**held, one.name: ""})
        return ["", {**said, "cleared": [one.name]}]

    holds = {
        "inputs": box,
        "js": f"v => window.studioForm.holds({capability!r}, {one.name!r}, v)",
        **FRONT,
    }
    # Not preprocessed: Gradio would open the picture first, and refuse a bad one in its own words.
    preview.upload(  # type: ignore[union-attr]
        take, preview, [box, preview, form.answer], inputs_kwargs=form.parts, preprocess=False,
        **QUICK,
    ).then(**holds).then(**keep).then(**paint)  # fmt: skip
    preview.clear(  # type: ignore[union-attr]
        drop, None, [box, form.answer], inputs_kwargs=form.parts, **QUICK
    ).then(**holds).then(**keep).then(**paint)


def _checked(form: Form, one: Field, file: Any) -> str:
    """The asset id of a file that Gradio has just received; InputError when it will not do for this field."""
    path = Path(
        str((file or {}).get("path") or (file or {}).get("video", {}).get("path"))
    ).resolve()
    if not path.is_relative_to(Path(get_upload_folder()).resolve()):
        raise InputError.at(one.name, "This is not a file that was uploaded here.")
    pipeline = form.quotes.pipeline
    asset = pipeline.upload(OWNER, path)
    pipeline.check_media(OWNER, form.capability.id, one.name, asset["id"])
    return str(asset["id"])
