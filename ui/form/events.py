"""The events of a form: a change is saved and priced, a file is checked, a click submits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from kling_pipeline.errors import InputError, StudioError
from ui.form.fields import Field
from ui.form.layout import Form
from ui.form.updates import apply_update, read_object
from ui.http.owner import OWNER

UNQUEUED: dict[str, Any] = {
    "queue": False,
    "concurrency_limit": None,
    "show_progress": "hidden",
    "api_visibility": "private",
}
LATEST_ONLY: dict[str, Any] = {"trigger_mode": "always_last"}
BROWSER_ONLY = {"fn": None, "queue": False, "show_progress": "hidden", "api_visibility": "private"}


def connect_events(form: Form) -> None:
    """Connect a form's widgets, its update request and its submit button to the engine."""
    components, quotes = form.components, form.quotes
    files = [slot for one in form.media for slot in one.slots]
    typed_inputs = [part.input for name, part in components.items() if name not in files]

    def submit(click: str, **widget_values: Any) -> str:
        click_data = read_object(click)
        return json.dumps(
            quotes.submit(
                OWNER, widget_values, str(click_data.get("id") or ""), click_data.get("key")
            )
        )

    def fill(update_request: str, **widget_values: Any) -> list[Any]:
        return apply_update(form, OWNER, read_object(update_request), widget_values)

    gr.on(typed_inputs, **_save_draft(form))
    gr.on(typed_inputs, **_quote_event(form), **LATEST_ONLY)
    click = f"(c, ...v) => [window.studioForm.click({form.capability.id!r}), ...v]"
    form.submit_button.click(
        submit, form.update_request, form.reply, inputs_kwargs=components, js=click, **UNQUEUED
    )
    raw_values: dict[str, Any] = {"postprocess": False, **LATEST_ONLY, **UNQUEUED}
    filled = form.update_request.input(
        fill, form.update_request, form.outputs, inputs_kwargs=components, **raw_values
    )
    filled.then(**_save_draft(form))
    filled.failure(js=f"() => window.studioForm.fail({form.capability.id!r})", **BROWSER_ONLY)
    for one in form.media:
        for slot in one.slots:
            _connect_file(form, one, slot)


def _save_draft(form: Form) -> dict[str, Any]:
    """Save the draft in the browser alone, so that it survives a studio which does not answer."""
    names = json.dumps(list(form.components))
    return {
        "inputs": list(form.components.values()),
        "outputs": form.draft,
        "js": f"(...v) => window.studioForm.draft({names}, v)",
        **BROWSER_ONLY,
    }


def _quote_event(form: Form) -> dict[str, Any]:
    """Quote the form with its present values; the reply repeats the number that the page gave to the question."""

    def quote(question: str, **widget_values: Any) -> str:
        asked = read_object(question).get("asked")
        return json.dumps({**form.quotes.quote(OWNER, widget_values), "asked": asked})

    return {
        "fn": quote,
        "inputs": form.update_request,  # the script puts the question's number in its place
        "inputs_kwargs": form.components,
        "outputs": form.reply,
        "js": f"(c, ...v) => [window.studioForm.question({form.capability.id!r}), ...v]",
        **UNQUEUED,
    }


def _connect_file(form: Form, one: Field, slot: str) -> None:
    box, preview = one.components[slot], one.previews[slot]
    reads = form.session_fields if one.name in form.session_inputs else []
    session_boxes = [box for each in reads for box in each.components.values()]
    empty = [""] * len(session_boxes)
    file_reply = {"capability": form.capability.id, "kind": "file", "cleared": [one.name]}

    def upload(file: Any) -> list[Any]:
        try:
            asset, wrong = _store_file(form, one, file), {}
        except StudioError as error:
            text = getattr(error, "fields", {}).get(one.name, error.message)
            asset, wrong = "", {one.name: text}
        shown = gr.update(value=None) if wrong else gr.skip()
        return [asset, shown, json.dumps({**file_reply, "slot": slot, "wrong": wrong}), *empty]

    # Not preprocessed: Gradio would open the picture first, and refuse a bad one with its own text.
    raw_values: dict[str, Any] = {"preprocess": False, "postprocess": False, **UNQUEUED}
    outputs = [box, preview, form.reply, *session_boxes]
    uploaded = preview.upload(upload, preview, outputs, **raw_values, **LATEST_ONLY)
    lose = f"() => window.studioForm.lose({form.capability.id!r}, {slot!r})"
    uploaded.failure(js=lose, **BROWSER_ONLY)
    # In the browser and at once: a click that follows must not pay for the removed file.
    clear = f"window.studioForm.emptied({form.capability.id!r}, {slot!r})"
    empty_values = json.dumps(["", *empty])
    cleared = preview.clear(
        js=f"() => {{ {clear}; return {empty_values}; }}",
        outputs=[box, *session_boxes],
        **BROWSER_ONLY,
    )
    # Priced after the file has arrived, with what was typed meanwhile.
    for event in (uploaded, cleared):
        event.then(**_quote_event(form), **LATEST_ONLY).then(**_save_draft(form))


def _store_file(form: Form, one: Field, file: Any) -> str:
    """Store a file that Gradio has received and return its asset id; InputError if the field does not take it."""
    found = file.get("video") or file if isinstance(file, dict) else {}
    path = Path(str(found.get("path"))).resolve()
    if not path.is_relative_to(Path(get_upload_folder()).resolve()):
        raise InputError.at(one.name, "This is not a file that was uploaded here.")
    pipeline = form.quotes.pipeline
    asset = pipeline.upload(OWNER, path)
    value: Any = [asset["id"]] if len(one.slots) > 1 else asset["id"]
    pipeline.check_media(OWNER, form.capability.id, one.name, value)
    return str(asset["id"])
