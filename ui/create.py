"""One tab builder for every capability: its form, the pay bar, and the events that hold them together."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
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

ANSWER = "watch('value', () => window.studioForm?.paint(JSON.parse(props.value || 'null')))"
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
    answer: gr.HTML
    draft: gr.BrowserState

    @property
    def parts(self) -> dict[str, Component]:
        """Every widget that holds a value, by the name under which handlers get it."""
        return {name: part for one in self.fields for name, part in one.parts.items()}

    @property
    def media(self) -> list[Field]:
        """The fields that take a file."""
        return [one for one in self.fields if one.preview is not None]

    @property
    def outputs(self) -> list[Component]:
        """What `changed` puts out, in its order."""
        pictures = [one.preview for one in self.media if one.preview is not None]
        return [*self.parts.values(), *pictures, self.draft, self.answer]


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
        answer=gr.HTML(html_template="<i></i>", js_on_load=ANSWER, elem_id=f"say-{capability.id}"),
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
    names = json.dumps(list(parts))

    def quote(**held: Any) -> str:
        return json.dumps(quotes.answer(OWNER, held))

    def submit(click: str, **held: Any) -> str:
        return json.dumps(quotes.sent(OWNER, held, click))

    def change(order: str, **held: Any) -> list[Any]:
        return changed(form, json.loads(order or "{}"), held)

    gr.on(  # in the browser alone: a draft is kept even when the studio does not answer
        typed,
        inputs=list(parts.values()),
        outputs=form.draft,
        js=f"(...v) => window.studioForm.held({names}, v)",
        **FRONT,
    )
    last: dict[str, Any] = {"trigger_mode": "always_last", **QUICK}
    gr.on(typed, quote, inputs_kwargs=parts, outputs=form.answer, **last)
    click = f"(c, ...v) => [window.studioForm.click({form.capability.id!r}), ...v]"
    form.send.click(submit, form.order, form.answer, inputs_kwargs=parts, js=click, **QUICK)
    form.order.input(
        change, form.order, form.outputs, inputs_kwargs=parts, postprocess=False, **last
    )
    for one in form.media:
        _wire_file(form, one)


def restore(form: Form, draft: Any) -> list[Any]:
    """What the widgets hold and the answer for a form that comes back; what no longer exists is named."""
    held = {name: part.value for name, part in form.parts.items()}
    known = {name: value for name, value in (draft or {}).items() if name in held}
    values = {one.name: one.read(known) for one in form.fields if one.parts.keys() & known.keys()}
    order = {"params": values, "what": "all" if values else "prompt"}
    return changed(form, order, held)


def changed(form: Form, order: Mapping[str, Any], held: dict[str, Any]) -> list[Any]:
    """Applies an order to what is held: some fields, the prompt alone, or all with the rest at rest.

    Returns what the event puts out, raw: pictures are named by our own address and never copied.
    """
    params = dict(order.get("params") or {})
    if order.get("what") == "all":
        rest = {one.name: one.default for one in form.fields if one.name != VARIANTS}
        params = {**rest, **params}
    if order.get("what") == "prompt":
        prompts = [one.name for one in form.fields if one.widget == "prompt"]
        params = {name: params[name] for name in prompts if name in params}
    new, lost = dict(held), []
    by_name = {one.name: one for one in form.fields}
    for name, value in params.items():
        written = by_name[name].write(value) if name in by_name else None
        if written is not None:
            new |= written
        elif value is not None:
            lost.append({"field": name, "value": value if isinstance(value, str | int) else ""})
    answer = {**form.quotes.answer(OWNER, new), "lost": lost, "cleared": list(params)}
    updates = [_update(new[name], held[name]) for name in form.parts]
    pictures = [_update(new[one.name], held[one.name], _picture) for one in form.media]
    return [*updates, *pictures, new, json.dumps(answer)]


def _update(new: Any, held: Any, show: Callable[[Any], Any] = lambda value: value) -> Any:
    return gr.skip() if new == held else gr.update(value=show(new))


def _picture(asset: str) -> dict[str, Any] | None:
    """A file of ours for Gradio's preview; an address elsewhere is not fetched to be shown."""
    if not asset or "/" in asset:
        return None
    # No path and no mark of a file: Gradio would look for it in its own cache.
    return {"url": f"/media/{asset}", "orig_name": asset}


def _wire_file(form: Form, one: Field) -> None:
    box, preview = one.parts[one.name], one.preview
    assert preview is not None

    def take(file: Any, **held: Any) -> list[Any]:
        try:
            held[one.name], wrong = _checked(form, one, file), {}
        except InputError as error:
            held[one.name], wrong = "", {one.name: error.fields.get(one.name, error.message)}
        said = {**form.quotes.answer(OWNER, held), "wrong": wrong, "cleared": [one.name]}
        shown = gr.update(value=None) if wrong else gr.skip()
        return [held[one.name], shown, held, json.dumps(said)]

    def drop(**held: Any) -> list[Any]:
        held[one.name] = ""
        said = {**form.quotes.answer(OWNER, held), "cleared": [one.name]}
        return ["", held, json.dumps(said)]

    raw: dict[str, Any] = {"preprocess": False, "postprocess": False, **QUICK}
    # Not preprocessed: Gradio would open the picture first, and refuse a bad one in its own words.
    preview.upload(  # type: ignore[attr-defined]
        take, preview, [box, preview, form.draft, form.answer], inputs_kwargs=form.parts, **raw
    )
    preview.clear(  # type: ignore[attr-defined]
        drop, None, [box, form.draft, form.answer], inputs_kwargs=form.parts, **raw
    )


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
