"""What a model takes in one field, and how the field stands for it: usable, an offer, or hidden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

_MAX_FIXES = 3  # values offered in place of a refused one, the nearest to it


@dataclass(frozen=True)
class Narrow:
    """Fewer values while all of the fields `beside` are sent and none of those `without`."""

    values: tuple[str, ...]
    beside: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def applies(self, sent: Mapping[str, Any]) -> bool:
        """Return whether it speaks of what is sent."""
        given = all(sent.get(name) for name in self.beside)
        return given and not any(sent.get(name) for name in self.without)


@dataclass(frozen=True)
class FieldState:
    """How a field stands under a model: `values` are those it takes (empty: any), `fix` the settings an offer changes.

    `refused` is a value of the request that the model does not take, `neutral` one that asks for nothing.
    """

    how: Literal["shown", "hidden", "offer"] = "shown"
    values: tuple[str, ...] = ()
    fix: Mapping[str, Any] = field(default_factory=dict)
    refused: Any = None
    neutral: Any = None

    def fixes(self, name: str) -> list[dict[str, Any]]:
        """Return the changes of one setting, each of which would make the field or its value usable."""
        if self.how == "offer":
            return [dict(self.fix)]
        near = sorted(self.values, key=self._distance)[:_MAX_FIXES]
        return (
            [{name: one} for one in self.values if one in near] if self.refused is not None else []
        )

    def _distance(self, value: str) -> float:
        """Return how far a value is from the refused one; words are all equally far."""
        try:
            return abs(float(value) - float(self.refused))
        except (TypeError, ValueError):
            return 0.0


@dataclass(frozen=True)
class Limit:
    """What a model takes in one field; empty `values` means any value the request allows."""

    values: tuple[str, ...] = ()
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    default: Any = None
    neutral: Any = None
    narrow: tuple[Narrow, ...] = ()

    def allowed(self, sent: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the values beside what is sent: fewer where some fields are given, or none of them is."""
        for one in self.narrow:
            if one.applies(sent):
                return one.values
        return self.values

    def obstacle(self, sent: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """Return why the field cannot go beside what is sent: a rule id and the change that helps; None if it can."""
        for name, allowed in self.needs.items():
            if sent.get(name) not in allowed:
                return "needs", {name: allowed[0]}
        for name in self.beside:
            if not sent.get(name):
                return "with", {name: None}
        for name in self.without:
            if sent.get(name):
                return "without", {name: None}
        return None

    def select(self, value: Any, allowed: tuple[str, ...], chosen: bool) -> Any:
        """Return the value to send; a default that the model does not take gives way to one that it does."""
        if chosen:
            return value
        if value is None or value == []:
            value = self.default
        elif self.values and value not in self.values:
            value = self.default or self.values[0]
        fits = value is None or not allowed or value in allowed
        return value if fits else allowed[0]

    def state(
        self,
        allowed: tuple[str, ...],
        obstacle: tuple[str, dict[str, Any]] | None,
        sent: Mapping[str, Any],
    ) -> FieldState:
        """Return how the field stands: usable, an offer where one setting would make it so, else hidden."""
        if obstacle is None:
            return FieldState(values=allowed)
        rule, fix = obstacle
        # Without a file that it needs, or beside one that excludes it, no setting would help.
        if rule == "needs" and all(sent.get(name) is not None for name in self.beside):
            return FieldState("offer", allowed, fix=fix, neutral=self.neutral)
        return FieldState("hidden", allowed)


def read_limit(rule: Any) -> Limit:
    """Read a limit from its value in `data/models.toml`: true, a list of values, or a table."""
    if rule is True:
        return Limit()
    if isinstance(rule, list):
        return Limit(values=tuple(rule))
    return Limit(
        values=tuple(rule.get("values", ())),
        needs={name: tuple(values) for name, values in rule.get("needs", {}).items()},
        beside=tuple(rule.get("with", ())),
        without=tuple(rule.get("without", ())),
        default=rule.get("default"),
        neutral=rule.get("neutral"),
        narrow=tuple(
            Narrow(tuple(one["values"]), tuple(one.get("with", ())), tuple(one.get("without", ())))
            for one in rule.get("narrow", ())
        ),
    )
