"""The quote of a form: price, offers and missing fields, as codes and figures that the page puts into words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from kling_pipeline.catalog.declaration import Capability
from kling_pipeline.errors import CreditError, InputError, StudioError
from kling_pipeline.pipeline import Pipeline, Quote
from ui.form.field_state import read_field_states
from ui.form.fields import PART_SEP, SIMPLE, Field

VARIANTS = "variant_count"
# A click that costs more credits, or more than a tenth of the balance, is confirmed by a second one.
CONFIRM_ABOVE = 2000
CONFIRM_SHARE = 10


class FormQuotes:
    """Quotes and submits the form of one capability; every result can be written as JSON."""

    def __init__(self, pipeline: Pipeline, capability: Capability, fields: list[Field]) -> None:
        self.pipeline, self._capability, self._fields = pipeline, capability, fields
        self._facts = {
            "optional": [one.name for one in fields if one.optional],
            "advanced": [one.name for one in fields if one.look.advanced],
            "choices": {one.name: len(one.values) for one in fields if one.widget == "choice"},
            "autos": {one.name: one.auto for one in fields if one.auto is not None},
        }

    def read(self, widget_values: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
        """Return the request's params and the number of variants."""
        values = {one.name: one.read(widget_values) for one in self._fields}
        params = {name: value for name, value in values.items() if value is not None}
        return params, int(widget_values.get(VARIANTS) or 1)

    def quote(self, owner: str, widget_values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the state of the pay button and of every field."""
        params, count = self.read(widget_values)
        reply = self._reply("quote", params, count)
        form = self.pipeline.quote_form(owner, self._capability.id, params, count)
        states = read_field_states(self._fields, form)
        reply |= {
            "field_states": states,
            "params": params,
            "changed": self._changed(params, states),
            "unused_slots": [
                slot for one in self._fields for slot in _unused_slots(one, widget_values)
            ],
            **self._facts,
        }
        quote, missing = form.quote, form.quote.parsed.missing
        if quote.refusal is None and not missing:
            return {**reply, **_priced(quote), **_afford(quote, form.available)}
        # What is missing is named alone, and not what else is wrong with the placeholder in its place.
        error = quote.refusal if quote.unread or not missing else None
        price = quote.price if quote.cost else None
        return {**reply, **_blocked(error, missing), "price": price}

    def submit(
        self, owner: str, widget_values: Mapping[str, Any], click_id: str, key: str | None = None
    ) -> dict[str, Any]:
        """Buy what the form holds; the reply names the take, or why there is none.

        key: of the quote on the button that was clicked. Nothing is bought if the form has changed since.
        """
        params, count = self.read(widget_values)
        reply = {**self._reply("sent", params, count), "click": click_id}
        if key is not None and key != reply["key"]:
            return {**reply, "state": "moved"}
        try:
            submission = self.pipeline.submit(
                owner, self._capability.id, params, variant_count=count, click_id=click_id or None
            )
        except CreditError as error:
            short = error.needed - error.available
            return {**reply, "state": "short", "short": short, "available": error.available}
        except StudioError as error:
            errors = getattr(error, "fields", {})
            other = None if errors else error.message
            return {
                **reply,
                "state": "blocked",
                "errors": errors,
                "other": other,
                "code": error.code,
            }
        take = submission.jobs[0].label.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        return {**reply, "state": "sent", "take": take, "created": submission.created}

    def _reply(self, kind: str, params: Mapping[str, Any], count: int) -> dict[str, Any]:
        """Return what every reply has; `key` is the same for the same form."""
        text = json.dumps([self._capability.id, params, count], sort_keys=True, ensure_ascii=False)
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        reply = {"capability": self._capability.id, "kind": kind, "variants": count, "key": key}
        return {**reply, "errors": {}, "missing": []}

    def _changed(
        self, params: Mapping[str, Any], states: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Return the folded fields' values that differ from the default and would be sent."""
        folded = [one for one in self._fields if one.look.advanced and one.name in params]
        return {
            one.name: params[one.name]
            for one in folded
            if params[one.name] != one.default and states[one.name]["how"] == "shown"
        }


def _priced(quote: Quote) -> dict[str, Any]:
    return {
        "price": quote.price,
        "each": quote.each,
        "working": quote.working,
        "warnings": [finding.as_dict() for finding in quote.findings],
    }


def _blocked(error: InputError | None, missing: Sequence[str]) -> dict[str, Any]:
    """Return why nothing can be bought; a field that is missing is not also called wrong."""
    findings = error.findings if error else ()
    missing = [*missing, *(one.field for one in findings if one.absent)]
    fields = error.fields if error else {}
    return {
        "state": "blocked",
        "missing": missing,
        "errors": {name: text for name, text in fields.items() if name not in missing},
        "other": error.message if error and not fields else None,
        "code": error.code if error else InputError.code,
        "warnings": [one.as_dict() for one in findings if one.field not in missing],
    }


def _afford(quote: Quote, available: int) -> dict[str, Any]:
    price = quote.price
    confirm = price > CONFIRM_ABOVE or price * CONFIRM_SHARE > available
    if price > available:
        afford = min(available // (quote.each or 1), quote.variants - 1)
        short = {"short": price - available, "afford": afford}
        return {"state": "short", "available": available, **short}
    return {"state": "ready", "available": available, "left": available - price, "ask": confirm}


def _unused_slots(one: Field, widget_values: Mapping[str, Any]) -> list[str]:
    """Return the widgets to hide: empty slots of a list but the first, the axis of a still camera."""
    if one.widget == "camera":
        moves = widget_values.get(f"{one.name}{PART_SEP}type") == SIMPLE
        return [] if moves else [f"{one.name}{PART_SEP}axis", f"{one.name}{PART_SEP}amount"]
    return [slot for slot in one.slots if not widget_values.get(slot)][1:]
