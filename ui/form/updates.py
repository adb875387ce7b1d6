"""Orders to a form: settings of a take, a sample, a fix, a draft that comes back; each fills the widgets."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from kling_pipeline.errors import InputError, NotFound
from ui.form.layout import Form
from ui.form.quote import VARIANTS
from ui.gate import public_path

SESSION = "session"  # the field that names it, in every capability that has one


def read_object(text: str) -> dict[str, Any]:
    """What the page hands over as JSON; InputError for anything but an object of whole characters."""
    try:
        value = json.loads(text or "{}")
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError):
        value = None
    if not isinstance(value, dict) or not isinstance(value.get("params") or {}, dict):
        raise InputError("This is not what the page sends. Reload it.", code="malformed_json")
    return value


def restore(form: Form, owner: str, draft: Any) -> list[Any]:
    """What the widgets hold and the answer for a form that comes back; what no longer exists is named."""
    held = {name: part.value for name, part in form.parts.items()}
    known = {name: value for name, value in (draft or {}).items() if name in held}
    values = {one.name: one.read(known) for one in form.fields if one.parts.keys() & known.keys()}
    order = {"params": values, "what": "all" if values else "prompt"}
    return change(form, owner, order, held)


def change(form: Form, owner: str, order: Mapping[str, Any], held: dict[str, Any]) -> list[Any]:
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
    new = dict(held)
    lost: list[dict[str, Any]] = []
    params = _still(form, owner, params, lost)
    by_name = {one.name: one for one in form.fields}
    for name, value in params.items():
        written = by_name[name].write(value) if name in by_name else None
        if written is not None:
            new |= written
        elif value is not None:
            lost.append({"field": name, "value": value if isinstance(value, str | int) else ""})
    answer = {**form.quotes.quote(owner, new), "lost": lost, "cleared": list(params)}
    answer |= {"order": order.get("number")}
    updates = [_update(new[name], held[name]) for name in form.parts]
    files = [slot for one in form.media for slot in one.slots]
    show = functools.partial(_picture, public_path(form.quotes.pipeline.settings))
    anew = {slot: None for slot in files if slot == order.get("show")}
    pictures = [_update(new[slot], anew.get(slot, held[slot]), show) for slot in files]
    return [*updates, *pictures, json.dumps(answer)]


def _still(
    form: Form, owner: str, params: dict[str, Any], lost: list[dict[str, Any]]
) -> dict[str, Any]:
    """What was chosen goes with another file, and with a session that has ended."""
    chosen = {one.name: one.default for one in form.chosen}
    if chosen and params.get(SESSION):
        try:
            form.quotes.pipeline.session(owner, str(params[SESSION]))
        except (InputError, NotFound):
            lost.append({"field": SESSION, "value": ""})
            return {**params, SESSION: None}
    return {**chosen, **params} if params.keys() & set(form.begins) else params


def _update(new: Any, held: Any, show: Callable[[Any], Any] = lambda value: value) -> Any:
    return gr.skip() if new == held else gr.update(value=show(new))


def _picture(root: str, asset: str) -> dict[str, Any] | None:
    """A file of ours for Gradio's preview; an address elsewhere is not fetched to be shown."""
    if not asset or "/" in asset:
        return None
    # No path and no mark of a file: Gradio would look for it in its own cache.
    return {"url": f"{root}/media/{asset}", "orig_name": asset}
