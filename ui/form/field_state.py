"""The state of each field under the chosen model: shown, hidden, or an offer that one click makes usable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kling_pipeline.catalog.models import Limit, Model
from ui.form.fields import Field


@dataclass(frozen=True)
class FieldState:
    """`values` are those the model takes (empty: any), `fix` holds the settings that an offer changes.

    `refused` is a value of the form that the model does not take, `neutral` one that asks for nothing.
    """

    how: Literal["shown", "hidden", "offer"] = "shown"
    model: str = ""
    values: tuple[Any, ...] = ()
    fix: Mapping[str, Any] = field(default_factory=dict)
    refused: Any = None
    neutral: Any = None

    def as_dict(self) -> dict[str, Any]:
        """Return what the page's scripts read: values as strings, without the fix."""
        return {
            "how": self.how,
            "model": self.model,
            "values": [str(value) for value in self.values],
            "refused": self.refused,
            "neutral": self.neutral,
        }


def read_field_states(
    fields: Iterable[Field], models: Iterable[Model], params: Mapping[str, Any]
) -> dict[str, FieldState]:
    """Return a state for every field, by name; a value that does not fit is reported and never dropped."""
    fields, by_name = list(fields), {model.name: model for model in models}
    model = _selected_model(by_name, fields, params)
    states = {one.name: FieldState("hidden", model.name) for one in fields}
    sent: dict[str, Any] = {}
    by_field = {one.name: one for one in fields}
    for name, limit in model.limits.items():
        if name in by_field:
            states[name] = _apply_limit(by_field[name], limit, model, params.get(name), sent)
    for one in fields:
        if one.widget == "model" or (one.name in model.instead and one.name not in model.limits):
            states[one.name] = FieldState("shown", model.name)
    return states


def _selected_model(
    by_name: Mapping[str, Model], fields: Iterable[Field], params: Mapping[str, Any]
) -> Model:
    named = next((params.get(one.name) for one in fields if one.widget == "model"), None)
    model = by_name.get(str(named)) or next(iter(by_name.values()))
    for name, successor in model.instead.items():
        if params.get(name) is not None and successor in by_name:
            return by_name[successor]
    return model


def _apply_limit(
    one: Field, limit: Limit, model: Model, value: Any, sent: dict[str, Any]
) -> FieldState:
    """Return one field's state; add to `sent` what the request would hold, because later limits depend on it."""
    taken = limit.allowed(sent)
    if value is None:
        value = limit.default
    elif taken and value not in taken:
        if value != one.default:
            return FieldState("shown", model.name, taken, refused=value)
        value = limit.default or taken[0]
    obstacle = limit.obstacle(sent)
    if obstacle is None or value == limit.neutral is not None:
        if value is not None:
            sent[one.name] = value
        if obstacle is None:
            return FieldState("shown", model.name, taken)
    elif limit.neutral is not None:
        sent[one.name] = limit.neutral
    rule, fix = obstacle
    alone = any(sent.get(name) is None for name in limit.beside)
    if rule == "needs" and not alone:
        return FieldState("offer", model.name, taken, fix=fix, neutral=limit.neutral)
    # Without a file that it needs, or beside one that excludes it, no setting would help.
    return FieldState("hidden", model.name, taken)
