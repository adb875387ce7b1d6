"""What each model takes, as rows of `data/models.toml`; the rules of those rows are applied here."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from kling_pipeline.catalog.declaration import Finding, Route
from kling_pipeline.errors import InputError, StudioError


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
        """Why the field cannot go beside what is sent: a rule id and the change that helps; None if it can."""
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


@dataclass(frozen=True)
class Model:
    """One model of one capability under one contract."""

    capability: str
    name: str
    status: Literal["alive", "at_risk", "retired"]
    route: Route
    price: str
    limits: Mapping[str, Limit]
    instead: Mapping[str, str]
    stands_for: tuple[str, ...]
    requires: tuple[str, ...]
    send_name: bool
    steps: bool
    default: bool
    source: str
    as_of: str

    def apply_limits(
        self, given: Mapping[str, Any], chosen: frozenset[str]
    ) -> tuple[dict[str, Any], list[Finding]]:
        """Split a request into what is sent and what is not, with the reason.

        `given` holds every field, defaults included; `chosen` names those that differ from their default.
        Raises InputError naming each field whose value this model refuses.
        """
        sent: dict[str, Any] = {}
        findings: list[Finding] = []
        errors: dict[str, str] = {}
        for name, limit in self.limits.items():
            value = self._value(name, limit, given, chosen)
            if value is None or value == []:
                continue
            allowed = limit.allowed(sent)
            if allowed and value not in allowed and name not in chosen:
                value = allowed[0]
            if allowed and value not in allowed:
                errors[name] = f"{self.name} takes {', '.join(allowed)} here, not {value}."
                continue
            obstacle = None if value == limit.neutral else limit.obstacle(sent)
            if obstacle is None:
                sent[name] = value
                continue
            if limit.neutral is not None:
                sent[name] = limit.neutral
            if name in chosen:
                findings.append(self._not_sent(name, *obstacle))
        findings += [
            self._not_sent(name, "never", {})
            for name in given
            if name in chosen - self.limits.keys()
        ]
        for name in self.requires:
            if sent.get(name) is None:
                errors[name] = f"{self.name} cannot be asked without it."
        if errors:
            raise InputError("; ".join(f"{k}: {v}" for k, v in errors.items()), fields=errors)
        return sent, findings

    def _value(
        self, name: str, limit: Limit, given: Mapping[str, Any], chosen: frozenset[str]
    ) -> Any:
        value = given.get(name)
        unsuited = bool(limit.values) and value not in limit.values and name not in chosen
        if value is None or unsuited:
            return limit.default if value is None else limit.default or limit.values[0]
        return value

    def _not_sent(self, name: str, rule: str, fix: dict[str, Any]) -> Finding:
        other, wanted = next(iter(fix.items()), ("", None))
        reason = {
            "never": f"{self.name} has no {name}",
            "needs": f"{self.name} takes {name} only with {other} = {wanted}",
            "with": f"{self.name} takes {name} only beside {other}",
            "without": f"{self.name} refuses {name} beside {other}",
        }[rule]
        return Finding(
            id=f"not_sent_{rule}",
            field=name,
            message=f"{reason}; it is not sent.",
            figures={"model": self.name, "field": name, "other": other, "value": wanted},
            fix=fix if wanted is not None else {},
        )


def read_models(path: Path, contract: str, *, others: bool = False) -> list[Model]:
    """Return every model of one contract (or what is of the others only), in the order of the file.

    StudioError when a row names an unknown route.
    """
    document = tomllib.loads(path.read_text("utf-8"))
    routes = {row["id"]: Route(**row) for row in document["route"]}
    models = []
    for row in document["model"]:
        if (contract in row["contracts"]) is others:
            continue
        if row["route"] not in routes:
            raise StudioError(f"{row['name']}: there is no route {row['route']}.", code="bad_row")
        models.append(
            Model(
                capability=row["capability"],
                name=row["name"],
                status=row["status"],
                route=routes[row["route"]],
                price=row["price"],
                limits={name: _limit(rule) for name, rule in row["takes"].items()},
                instead=row.get("instead", {}),
                stands_for=tuple(row.get("stands_for", ())),
                send_name=row.get("send_name", True),
                steps=row.get("steps", True),
                requires=tuple(row.get("requires", ())),
                default=row.get("default", False),
                source=row["source"],
                as_of=row["as_of"],
            )
        )
    return models


def _limit(rule: Any) -> Limit:
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
