"""The events of a form: a change is kept and priced, a file is checked at once, a click buys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from kling_pipeline.errors import InputError, StudioError
from ui.form.fields import Field
from ui.form.layout import Form
from ui.form.updates import change, read_object
from ui.owner import OWNER

QUICK: dict[str, Any] = {
    "queue": False,
    "concurrency_limit": None,
    "show_progress": "hidden",
    "api_visibility": "private",
}
LAST: dict[str, Any] = {"trigger_mode": "always_last"}
FRONT = {"fn": None, "queue": False, "show_progress": "hidden", "api_visibility": "private"}


def wire(form: Form) -> None:
    """Joins a form's widgets, its order box and its send button to the engine."""
    parts, quotes = form.parts, form.quotes
    files = [slot for one in form.media for slot in one.slots]
    typed = [part.input for name, part in parts.items() if name not in files]

    def submit(click: str, **held: Any) -> str:
        pressed = read_object(click)
        return json.dumps(
            quotes.submit(OWNER, held, str(pressed.get("id") or ""), pressed.get("key"))
        )

    def fill(order: str, **held: Any) -> list[Any]:
        return change(form, OWNER, read_object(order), held)

    gr.on(typed, **_keep(form))
    gr.on(typed, **_price(form), **LAST)
    click = f"(c, ...v) => [window.studioForm.click({form.capability.id!r}), ...v]"
    form.send.click(submit, form.order, form.answer, inputs_kwargs=parts, js=click, **QUICK)
    raw: dict[str, Any] = {"postprocess": False, **LAST, **QUICK}
    filled = form.order.input(fill, form.order, form.outputs, inputs_kwargs=parts, **raw)
    # Priced once more: an answer to something older may have come in between.
    filled.then(**_price(form), **LAST).then(**_keep(form))
    filled.failure(js=f"() => window.studioForm.fail({form.capability.id!r})", **FRONT)
    for one in form.media:
        for slot in one.slots:
            _wire_file(form, one, slot)


def _keep(form: Form) -> dict[str, Any]:
    """Keeps the draft in the browser alone: it is kept even when the studio does not answer."""
    names = json.dumps(list(form.parts))
    return {
        "inputs": list(form.parts.values()),
        "outputs": form.draft,
        "js": f"(...v) => window.studioForm.held({names}, v)",
        **FRONT,
    }


def _price(form: Form) -> dict[str, Any]:
    """Asks what the form is worth with what its widgets hold at this moment."""

    def quote(**held: Any) -> str:
        return json.dumps(form.quotes.quote(OWNER, held))

    return {"fn": quote, "inputs_kwargs": form.parts, "outputs": form.answer, **QUICK}


def _wire_file(form: Form, one: Field, slot: str) -> None:
    box, preview = one.parts[slot], one.previews[slot]
    chosen = [box for each in form.chosen for box in each.parts.values()]
    apart = chosen if one.name in form.begins else []
    empty = [""] * len(apart)
    said = {"capability": form.capability.id, "kind": "file", "cleared": [one.name]}

    def take(file: Any) -> list[Any]:
        try:
            asset, wrong = _checked(form, one, file), {}
        except StudioError as error:
            text = getattr(error, "fields", {}).get(one.name, error.message)
            asset, wrong = "", {one.name: text}
        shown = gr.update(value=None) if wrong else gr.skip()
        return [asset, shown, json.dumps({**said, "slot": slot, "wrong": wrong}), *empty]

    def drop() -> str:
        return json.dumps(said)

    # Not preprocessed: Gradio would open the picture first, and refuse a bad one in its own words.
    raw: dict[str, Any] = {"preprocess": False, "postprocess": False, **QUICK}
    outputs = [box, preview, form.answer, *apart]
    taken = preview.upload(take, preview, outputs, **raw, **LAST)
    lost = f"() => window.studioForm.lose({form.capability.id!r}, {slot!r})"
    taken.failure(js=lost, **FRONT)
    # At once, and without asking: a click right behind it must not pay for what has gone.
    emptied = f"window.studioForm.emptied({form.capability.id!r}, {slot!r})"
    nothing = json.dumps(["", *empty])
    preview.clear(js=f"() => {{ {emptied}; return {nothing}; }}", outputs=[box, *apart], **FRONT)
    dropped = preview.clear(drop, None, form.answer, **raw)
    # Priced after it has arrived, with what was typed meanwhile.
    for event in (taken, dropped):
        event.then(**_price(form), **LAST).then(**_keep(form))


def _checked(form: Form, one: Field, file: Any) -> str:
    """The asset id of a file that Gradio has just received; InputError when it will not do for this field."""
    found = file.get("video") or file if isinstance(file, dict) else {}
    path = Path(str(found.get("path"))).resolve()
    if not path.is_relative_to(Path(get_upload_folder()).resolve()):
        raise InputError.at(one.name, "This is not a file that was uploaded here.")
    pipeline = form.quotes.pipeline
    asset = pipeline.upload(OWNER, path)
    value: Any = [asset["id"]] if len(one.slots) > 1 else asset["id"]
    pipeline.check_media(OWNER, form.capability.id, one.name, value)
    return str(asset["id"])
