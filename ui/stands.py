"""How each field stands with the chosen model: shown, hidden, or an offer that one click would change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kling_pipeline.catalog.models import Limit, Model
from ui.form import Field


@dataclass(frozen=True)
class Stand:
    """`values` are those the model takes (empty: any), `fix` is the change that an offer makes.

    `refused` is a value that is held and not taken, `neutral` one that asks for nothing.
    """

    how: Literal["shown", "hidden", "offer"] = "shown"
    model: str = ""
    values: tuple[Any, ...] = ()
    fix: Mapping[str, Any] = field(default_factory=dict)
    refused: Any = None
    neutral: Any = None

    def as_dict(self) -> dict[str, Any]:
        """For the page."""
        return {
            "how": self.how,
            "model": self.model,
            "values": [str(value) for value in self.values],
            "refused": self.refused,
            "neutral": self.neutral,
        }


def read_stands(
    fields: Iterable[Field], models: Iterable[Model], values: Mapping[str, Any]
) -> dict[str, Stand]:
    """Every field's stand for the values the form holds; a value is never dropped, only found not to fit."""
    fields, by_name = list(fields), {model.name: model for model in models}
    model = _chosen(by_name, fields, values)
    stands = {one.name: Stand("hidden", model.name) for one in fields}
    sent: dict[str, Any] = {}
    by_field = {one.name: one for one in fields}
    for name, limit in model.takes.items():
        if name in by_field:
            stands[name] = _stand(by_field[name], limit, model, values.get(name), sent)
    for one in fields:
        if one.widget == "model" or (one.name in model.instead and one.name not in model.takes):
            stands[one.name] = Stand("shown", model.name)
    return stands


def _chosen(
    by_name: Mapping[str, Model], fields: Iterable[Field], values: Mapping[str, Any]
) -> Model:
    named = next((values.get(one.name) for one in fields if one.widget == "model"), None)
    model = by_name.get(str(named)) or next(iter(by_name.values()))
    for name, successor in model.instead.items():
        if values.get(name) is not None and successor in by_name:
            return by_name[successor]
    return model


def _stand(one: Field, limit: Limit, model: Model, value: Any, sent: dict[str, Any]) -> Stand:
    """One field's stand; what would go is added to `sent`, because later fields lean on it."""
    taken = limit.allowed(sent)
    if value is None:
        value = limit.default
    elif taken and value not in taken:
        if value != one.default:
            return Stand("shown", model.name, taken, refused=value)
        value = limit.default or taken[0]
    obstacle = limit.obstacle(sent)
    if obstacle is None or value == limit.neutral is not None:
        if value is not None:
            sent[one.name] = value
        if obstacle is None:
            return Stand("shown", model.name, taken)
    elif limit.neutral is not None:
        sent[one.name] = limit.neutral
    rule, fix = obstacle
    alone = any(sent.get(name) is None for name in limit.beside)
    if rule == "needs" and not alone:
        return Stand("offer", model.name, taken, fix=fix, neutral=limit.neutral)
    # Beside a missing file, or against one that is there, no click helps: the field waits out of sight.
    return Stand("hidden", model.name, taken)
