"""Updates of a form by the page: the settings of a take, a sample, an offer, a saved draft.

An update request is JSON: `params`; `what`, which is "all", "prompt" or absent for just the given params; `show`, a
file whose preview is drawn again; `number` of the update and `asked` of the question, which the reply repeats.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from kling_pipeline.errors import InputError, NotFound
from ui.form.layout import Form
from ui.form.quote import VARIANTS

SESSION = "session"  # the field with the session's id, in every capability that has sessions


def read_object(text: str) -> dict[str, Any]:
    """Parse what a script put into a text box; InputError for anything but an object of valid Unicode."""
    try:
        value = json.loads(text or "{}")
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError):
        value = None
    if not isinstance(value, dict) or not isinstance(value.get("params") or {}, dict):
        raise InputError("This is not what the page sends. Reload it.", code="malformed_json")
    return value


def restore(form: Form, owner: str, draft: Any) -> list[Any]:
    """Fill a form from a saved draft, None for an empty one; return the values for `form.outputs`.

    The reply's `lost` names what no widget can show any more.
    """
    widget_values = {name: part.value for name, part in form.components.items()}
    known = {name: value for name, value in (draft or {}).items() if name in widget_values}
    values = {
        one.name: one.read(known) for one in form.fields if one.components.keys() & known.keys()
    }
    request = {"params": values, "what": "all" if values else "prompt"}
    return apply_update(form, owner, request, widget_values)


def apply_update(
    form: Form, owner: str, request: Mapping[str, Any], widget_values: dict[str, Any]
) -> list[Any]:
    """Apply an update request to the widgets' values; return the values for `form.outputs`.

    They are raw, as for `postprocess=False`: previews are addressed under /media and not copied by Gradio.
    """
    params = dict(request.get("params") or {})
    if request.get("what") == "all":
        rest = {one.name: one.default for one in form.fields if one.name != VARIANTS}
        params = {**rest, **params}
    if request.get("what") == "prompt":
        prompts = [one.name for one in form.fields if one.widget == "prompt"]
        params = {name: params[name] for name in prompts if name in params}
    new = dict(widget_values)
    lost: list[dict[str, Any]] = []
    params = _reset_session(form, owner, params, lost)
    by_name = {one.name: one for one in form.fields}
    for name, value in params.items():
        written = by_name[name].write(value) if name in by_name else None
        if written is not None:
            new |= written
        elif value is not None:
            lost.append({"field": name, "value": value if isinstance(value, str | int) else ""})
    reply = {**form.quotes.quote(owner, new), "lost": lost, "cleared": list(params)}
    reply |= {"update": request.get("number"), "asked": request.get("asked")}
    updates = [_update(new[name], widget_values[name]) for name in form.components]
    files = [slot for one in form.media for slot in one.slots]
    show = functools.partial(_preview, form.quotes.pipeline.settings.public_path)
    redrawn = {slot: None for slot in files if slot == request.get("show")}
    previews = [_update(new[slot], redrawn.get(slot, widget_values[slot]), show) for slot in files]
    return [*updates, *previews, json.dumps(reply)]


def _reset_session(
    form: Form, owner: str, params: dict[str, Any], lost: list[dict[str, Any]]
) -> dict[str, Any]:
    """Reset a session's choices when its file changes or the session has expired."""
    defaults = {one.name: one.default for one in form.session_fields}
    if defaults and params.get(SESSION):
        try:
            form.quotes.pipeline.session(owner, str(params[SESSION]))
        except (InputError, NotFound):
            lost.append({"field": SESSION, "value": ""})
            return {**params, SESSION: None}
    return {**defaults, **params} if params.keys() & set(form.session_inputs) else params


def _update(new: Any, old: Any, show: Callable[[Any], Any] = lambda value: value) -> Any:
    return gr.skip() if new == old else gr.update(value=show(new))


def _preview(root: str, asset: str) -> dict[str, Any] | None:
    """Return the preview of an asset; an external URL has none, because it is never fetched to be shown."""
    if not asset or "/" in asset:
        return None
    # Without path and file type: with them Gradio would look for it in its own cache.
    return {"url": f"{root}/media/{asset}", "orig_name": asset}
