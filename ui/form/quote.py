"""The quote of a form: price, offers and missing fields, as codes and figures that the page puts into words."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

from kling_pipeline.catalog.blanks import is_blank
from kling_pipeline.catalog.declaration import Capability
from kling_pipeline.errors import CreditError, InputError, StudioError
from kling_pipeline.pipeline import Pipeline
from ui.form.field_state import FieldState, read_field_states
from ui.form.fields import PART_SEP, SIMPLE, Field

VARIANTS = "variant_count"
# A click that costs more credits, or more than a tenth of the balance, is confirmed by a second one.
CONFIRM_ABOVE = 2000
CONFIRM_SHARE = 10
# With these for missing fields a half-filled form has a price.
PLACEHOLDERS = {"media": "https://stand.in/", "prompt": "-"}
MAX_OFFERS = 3


class FormQuotes:
    """Quotes and submits the form of one capability; every result can be written as JSON."""

    def __init__(self, pipeline: Pipeline, capability: Capability, fields: list[Field]) -> None:
        self.pipeline, self._capability, self._fields = pipeline, capability, fields
        self._models = [
            model for model in pipeline.catalog.models(capability.id) if model.status != "retired"
        ]
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
        unused = [slot for one in self._fields for slot in _unused_slots(one, widget_values)]
        states = read_field_states(self._fields, self._models, params)
        reply = self._reply("quote", params, count)
        now = self._price(owner, params, count)
        reply["field_states"] = {
            name: {
                **state.as_dict(),
                "offers": self._offers(owner, name, state, params, count, now),
            }
            for name, state in states.items()
        }
        reply |= {
            "params": params,
            "changed": self._changed(params, states),
            "unused_slots": unused,
            **self._facts,
        }
        try:
            quote = self.pipeline.quote(owner, self._capability.id, params, count)
        except InputError as error:
            missing = [one.name for one in self._fields if self._is_missing(one, params)]
            missing += [one.field for one in error.findings if one.absent]
            fields = {name: text for name, text in error.fields.items() if name not in missing}
            other = None if error.fields else error.message
            state = {"state": "blocked", "missing": missing, "errors": fields, "other": other}
            warnings = [one.as_dict() for one in error.findings if one.field not in missing]
            return {**reply, **state, "code": error.code, "price": now, "warnings": warnings}
        return {**reply, **quote, **self._afford(owner, quote, count)}

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
        """Return what every reply has; `key` is the same for the same form, `serial` (µs) orders replies."""
        text = json.dumps([self._capability.id, params, count], sort_keys=True, ensure_ascii=False)
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        reply = {"capability": self._capability.id, "kind": kind, "variants": count, "key": key}
        return {**reply, "serial": time.time_ns() // 1000, "errors": {}, "missing": []}

    def _afford(self, owner: str, quote: Mapping[str, Any], count: int) -> dict[str, Any]:
        available = self.pipeline.credits(owner)["available"]
        price = quote["price"]
        each = quote["each"] or 1
        confirm = price > CONFIRM_ABOVE or price * CONFIRM_SHARE > available
        if price > available:
            afford = min(available // each, count - 1)
            short = {"short": price - available, "afford": afford}
            return {"state": "short", "available": available, **short}
        return {"state": "ready", "available": available, "left": available - price, "ask": confirm}

    def _changed(
        self, params: Mapping[str, Any], states: Mapping[str, FieldState]
    ) -> dict[str, Any]:
        """Return the folded fields' values that differ from the default and would be sent."""
        folded = [one for one in self._fields if one.look.advanced and one.name in params]
        return {
            one.name: params[one.name]
            for one in folded
            if params[one.name] != one.default and states[one.name].how == "shown"
        }

    def _is_missing(self, one: Field, params: Mapping[str, Any]) -> bool:
        if params.get(one.name) is not None and not is_blank(str(params[one.name])):
            return False
        return self._capability.request.model_fields[one.name].is_required()

    def _price(self, owner: str, params: Mapping[str, Any], count: int) -> int | None:
        """Return the price with placeholders for missing fields; None when the form has another fault."""
        filled = dict(params)
        for one in self._fields:
            if self._is_missing(one, params) and one.widget in PLACEHOLDERS:
                filled[one.name] = PLACEHOLDERS[one.widget]
        try:
            return int(self.pipeline.quote(owner, self._capability.id, filled, count)["price"])
        except InputError:
            return None

    def _offers(
        self, owner: str, name: str, state: FieldState, params: Mapping[str, Any], count: int,
        now: int | None,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """Return the changes that would make this field or its value usable, each with the price it adds."""
        fixes = [dict(state.fix)] if state.how == "offer" else []
        if state.refused is not None:
            fixes = [{name: value} for value in _nearest(state.values, state.refused)]
        offers = []
        for fix in fixes:
            price = self._price(owner, {**params, **fix}, count)
            delta = None if price is None or now is None else price - now
            offers.append({"fix": fix, "delta": delta})
        return offers


def _unused_slots(one: Field, widget_values: Mapping[str, Any]) -> list[str]:
    """Return the widgets to hide: empty slots of a list but the first, the axis of a still camera."""
    if one.widget == "camera":
        moves = widget_values.get(f"{one.name}{PART_SEP}type") == SIMPLE
        return [] if moves else [f"{one.name}{PART_SEP}axis", f"{one.name}{PART_SEP}amount"]
    return [slot for slot in one.slots if not widget_values.get(slot)][1:]


def _nearest(values: tuple[Any, ...], refused: Any) -> list[Any]:
    """Return the MAX_OFFERS values closest to the refused one, in the order of the list."""

    def distance(value: Any) -> float:
        try:
            return abs(float(value) - float(refused))
        except (TypeError, ValueError):
            return 0.0

    near = sorted(values, key=distance)[:MAX_OFFERS]
    return [value for value in values if value in near]
