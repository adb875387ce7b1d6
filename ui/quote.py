"""What a form is worth at this moment: price, offers, what is missing, as data that the page puts into words."""

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
from ui.form import SIMPLE, SUB, Field
from ui.stands import Stand, read_stands

VARIANTS = "variant_count"
ASK_ABOVE = 2000  # credits; from here on the first click asks, the second spends
ASK_SHARE = 10  # and so does a click that takes more than a tenth of what is left
STAND_IN = {"media": "https://stand.in/", "prompt": "-"}  # so that a half-filled form has a price
MOST_SWAPS = 3


class Quotes:
    """Answers for the form of one capability; every answer is plain data with codes and figures."""

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

    def read(self, held: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
        """Request values and the number of variants from what the widgets hold."""
        values = {one.name: one.read(held) for one in self._fields}
        params = {name: value for name, value in values.items() if value is not None}
        return params, int(held.get(VARIANTS) or 1)

    def answer(self, owner: str, held: Mapping[str, Any]) -> dict[str, Any]:
        """The state of the pay button and of every field."""
        params, count = self.read(held)
        spare = [slot for one in self._fields for slot in _spare(one, held)]
        stands = read_stands(self._fields, self._models, params)
        said = self._said("quote", params, count)
        now = self._price(owner, params, count)
        said["stands"] = {
            name: {
                **stand.as_dict(),
                "offers": self._offers(owner, name, stand, params, count, now),
            }
            for name, stand in stands.items()
        }
        said |= {
            "params": params,
            "changed": self._changed(params, stands),
            "spare": spare,
            **self._facts,
        }
        try:
            quote = self.pipeline.quote(owner, self._capability.id, params, count)
        except InputError as error:
            missing = [one.name for one in self._fields if self._lacks(one, params)]
            missing += [one.field for one in error.findings if one.absent]
            fields = {name: text for name, text in error.fields.items() if name not in missing}
            other = None if error.fields else error.message
            state = {"state": "blocked", "missing": missing, "errors": fields, "other": other}
            told = [one.as_dict() for one in error.findings if one.field not in missing]
            return {**said, **state, "code": error.code, "price": now, "warnings": told}
        return {**said, **quote, **self._money(owner, quote, count)}

    def sent(
        self, owner: str, held: Mapping[str, Any], click_id: str, key: str | None = None
    ) -> dict[str, Any]:
        """Buys; the answer names the take, or why there is none.

        key: of the answer that the button stood for. Nothing is bought if the form has changed since.
        """
        params, count = self.read(held)
        said = {**self._said("sent", params, count), "click": click_id}
        if key is not None and key != said["key"]:
            return {**said, "state": "moved"}
        try:
            made = self.pipeline.submit(
                owner, self._capability.id, params, variant_count=count, click_id=click_id or None
            )
        except CreditError as error:
            short = error.needed - error.available
            return {**said, "state": "short", "short": short, "available": error.available}
        except StudioError as error:
            errors = getattr(error, "fields", {})
            other = None if errors else error.message
            return {
                **said,
                "state": "blocked",
                "errors": errors,
                "other": other,
                "code": error.code,
            }
        take = made.jobs[0].take.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        return {**said, "state": "sent", "take": take, "created": made.created}

    def _said(self, kind: str, params: Mapping[str, Any], count: int) -> dict[str, Any]:
        text = json.dumps([self._capability.id, params, count], sort_keys=True, ensure_ascii=False)
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        said = {"capability": self._capability.id, "kind": kind, "variants": count, "key": key}
        return {**said, "serial": time.time_ns() // 1000, "errors": {}, "missing": []}

    def _money(self, owner: str, quote: Mapping[str, Any], count: int) -> dict[str, Any]:
        available = self.pipeline.credits(owner)["available"]
        price = quote["price"]
        each = quote["each"] or 1
        ask = price > ASK_ABOVE or price * ASK_SHARE > available
        if price > available:
            afford = min(available // each, count - 1)
            short = {"short": price - available, "afford": afford}
            return {"state": "short", "available": available, **short}
        return {"state": "ready", "available": available, "left": available - price, "ask": ask}

    def _changed(self, params: Mapping[str, Any], stands: Mapping[str, Stand]) -> dict[str, Any]:
        """The folded values that differ from their default and count."""
        folded = [one for one in self._fields if one.look.advanced and one.name in params]
        return {
            one.name: params[one.name]
            for one in folded
            if params[one.name] != one.default and stands[one.name].how == "shown"
        }

    def _lacks(self, one: Field, params: Mapping[str, Any]) -> bool:
        if params.get(one.name) is not None and not is_blank(str(params[one.name])):
            return False
        return self._capability.request.model_fields[one.name].is_required()

    def _price(self, owner: str, params: Mapping[str, Any], count: int) -> int | None:
        """The price as if what is missing were there; None when the form has another fault."""
        whole = dict(params)
        for one in self._fields:
            if self._lacks(one, params) and one.widget in STAND_IN:
                whole[one.name] = STAND_IN[one.widget]
        try:
            return int(self.pipeline.quote(owner, self._capability.id, whole, count)["price"])
        except InputError:
            return None

    def _offers(
        self, owner: str, name: str, stand: Stand, params: Mapping[str, Any], count: int,
        now: int | None,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """Changes of one setting that would make room for this field, each with what it adds to the price."""
        fixes = [dict(stand.fix)] if stand.how == "offer" else []
        if stand.refused is not None:
            fixes = [{name: value} for value in _nearest(stand.values, stand.refused)]
        offers = []
        for fix in fixes:
            price = self._price(owner, {**params, **fix}, count)
            delta = None if price is None or now is None else price - now
            offers.append({"fix": fix, "delta": delta})
        return offers


def _spare(one: Field, held: Mapping[str, Any]) -> list[str]:
    """Parts that wait out of sight: empty places of a list but the first, the axis of a still camera."""
    if one.widget == "camera":
        moves = held.get(f"{one.name}{SUB}type") == SIMPLE
        return [] if moves else [f"{one.name}{SUB}axis", f"{one.name}{SUB}amount"]
    return [slot for slot in one.slots if not held.get(slot)][1:]


def _nearest(values: tuple[Any, ...], held: Any) -> list[Any]:
    """The few values closest to the one held, in the order of the list."""

    def distance(value: Any) -> float:
        try:
            return abs(float(value) - float(held))
        except (TypeError, ValueError):
            return 0.0

    near = sorted(values, key=distance)[:MOST_SWAPS]
    return [value for value in values if value in near]
