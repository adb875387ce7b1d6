"""A request meets the catalog: its fields are read, its model is chosen, limits and rules are applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from kling_pipeline.catalog.declaration import Capability, Finding, Rule, StepResults
from kling_pipeline.catalog.limits import FieldState, Limit
from kling_pipeline.catalog.models import Model
from kling_pipeline.catalog.prices import Price
from kling_pipeline.catalog.validation import input_error
from kling_pipeline.errors import InputError

_PLACEHOLDERS: dict[str, str] = {"media": "https://stand.in/", "prompt": "-"}  # by widget


@dataclass(frozen=True)
class Listing:
    """A capability with the models that serve it, default first, and every price by id."""

    capability: Capability
    models: Sequence[Model]
    prices: Mapping[str, Price]


@dataclass(frozen=True)
class ParsedRequest:
    """A request as far as it can be judged without its files.

    `given` holds every field, defaults included, `sent` what of it goes out. `unread` says which fields cannot be read,
    `refusal` what is wrong first; then the rest holds as far as it can. `missing` are fields that bear a placeholder,
    `step_units` the video units of the calls that come before the task.
    """

    listing: Listing
    given: dict[str, Any]
    step_results: StepResults
    unread: InputError | None
    missing: Sequence[str]
    model: Model
    price: Price
    sent: dict[str, Any]
    states: Mapping[str, FieldState]
    findings: Sequence[Finding]
    refusal: InputError | None
    step_units: Decimal

    def change(self, settings: Mapping[str, Any]) -> ParsedRequest:
        """Return the same request with other settings, of values that its model takes."""
        given = {**self.given, **settings}
        return _limit_request(self.listing, given, self.step_results, self.unread, self.missing)

    def apply_rules(self, rules: Iterable[Rule], facts: Mapping[str, Any]) -> list[Finding]:
        """Return what rules find, with the measures of the files by field; InputError where one says no."""
        return _apply_rules(rules, self.model, self.sent, facts, self.step_results)


def parse_request(
    listing: Listing, params: Mapping[str, Any], step_results: StepResults, *, fill: bool = False
) -> ParsedRequest:
    """Read the fields and see what the catalog makes of them; with `fill` placeholders stand for what is missing."""
    if not isinstance(params, Mapping):
        raise InputError.at("params", "params is not an object.")
    capability, unread = listing.capability, None
    looks, missing = capability.looks(), capability.missing(params) if fill else []
    params = {**params, **{name: _PLACEHOLDERS[looks[name].widget] for name in missing}}
    try:
        given = read_request(capability, params)
    except InputError as error:
        given, unread = _read_loosely(capability, params), error
    if "model_name" in given and not params.get("model_name"):
        # The default of the declaration is the vendor's; a contract may have another.
        given["model_name"] = listing.models[0].name
    return _limit_request(listing, given, step_results, unread, missing)


def read_request(capability: Capability, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return every field, defaults included; InputError names the wrong ones."""
    try:
        request = capability.request.model_validate(dict(params))
    except ValidationError as error:
        raise input_error(error) from None
    return request.model_dump(mode="json")


def _read_loosely(capability: Capability, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return every field of a request that cannot be read, as it was given or with its default."""
    fields = capability.request.model_fields
    defaults = {name: None if one.is_required() else one.default for name, one in fields.items()}
    given = {name: one for name, one in params.items() if name in fields and one is not None}
    return {**defaults, **given}


def _limit_request(
    listing: Listing,
    given: dict[str, Any],
    step_results: StepResults,
    unread: InputError | None,
    missing: Sequence[str],
) -> ParsedRequest:
    """Choose the model of a request whose fields are read, apply the model's limits and the capability's rules."""
    capability, refusal = listing.capability, unread
    model, findings = listing.models[0], list[Finding]()
    try:
        model, findings = _choose_model(listing.models, given)
    except InputError as error:
        refusal = refusal or error
    limited = apply_limits(model, given, _chosen(capability, given))
    refusal = refusal or limited.refusal
    findings += limited.findings
    if refusal is None:
        try:
            findings += _apply_rules(capability.rules, model, limited.sent, {}, step_results)
        except InputError as error:
            refusal = error
    priced = model.steps and refusal is None
    steps = capability.steps(limited.sent, step_results) if priced else []
    return ParsedRequest(
        listing, given, step_results, unread, missing, model, listing.prices[model.price], limited.sent,
        limited.states, findings, refusal, sum((call.units for call in steps), Decimal(0)),
    )  # fmt: skip


def _chosen(capability: Capability, given: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the fields that ask for something else than their default, the model aside."""
    return frozenset(
        name
        for name, info in capability.request.model_fields.items()
        if name != "model_name" and given[name] not in (None, [], info.default)
    )


def _choose_model(rows: Sequence[Model], given: Mapping[str, Any]) -> tuple[Model, list[Finding]]:
    """Return the model that will make a request, and why it is another than the one named; the default is first.

    InputError when none of that name is served.
    """
    name = given.get("model_name") or rows[0].name
    row = next((one for one in rows if one.name == name), None)
    other = next((one for one in rows if name in one.stands_for), None)
    if row is None and other is not None:
        message = f"{name} is not served here; {other.name} is used."
        return other, [_instead(message, {"model": name, "other": other.name})]
    if row is None:
        served = ", ".join(row.name for row in rows if row.status != "retired")
        raise InputError.at("model_name", f"There is no model {name!r} here. There are: {served}.")
    if row.status == "retired":
        message = f"The model '{name}' has been discontinued and is no longer available."
        raise InputError.at("model_name", message)
    for needed, other_name in row.instead.items():
        if given.get(needed) is not None and other_name != name:
            message = f"{name} takes no {needed}; {other_name} is used."
            figures = {"model": name, "field": needed, "other": other_name, "value": other_name}
            other = next(one for one in rows if one.name == other_name)
            return other, [_instead(message, figures)]
    return row, []


def _instead(message: str, figures: dict[str, Any]) -> Finding:
    return Finding("model_instead", "model_name", message, figures=figures)


@dataclass(frozen=True)
class LimitedRequest:
    """A request under a model's limits: what is sent, what is not and why, refused values, the state of each field."""

    sent: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    states: dict[str, FieldState] = field(default_factory=dict)

    @property
    def refusal(self) -> InputError | None:
        """Return every refused value in one error."""
        text = "; ".join(f"{name}: {sentence}" for name, sentence in self.errors.items())
        return InputError(text, fields=self.errors) if self.errors else None


def apply_limits(model: Model, given: Mapping[str, Any], chosen: frozenset[str]) -> LimitedRequest:
    """Split a request into what is sent and what is not, and say how each field stands.

    `given` holds every field, defaults included; `chosen` names those that differ from their default.
    """
    limited = LimitedRequest()
    for name, limit in model.limits.items():
        _apply_limit(model, name, limit, given.get(name), name in chosen, limited)
    never = [name for name in given if name in chosen - model.limits.keys()]
    limited.findings.extend(_not_sent(model, name, "never", {}) for name in never)
    for name in model.requires:
        if limited.sent.get(name) is None:
            limited.errors[name] = f"{model.name} cannot be asked without it."
    return limited


def _apply_limit(
    model: Model, name: str, limit: Limit, value: Any, chosen: bool, limited: LimitedRequest
) -> None:
    """Limit one field; call in the order of the limits, because each depends on what of the earlier ones is sent."""
    sent, allowed = limited.sent, limit.allowed(limited.sent)
    value = limit.select(value, allowed, chosen)
    if value is not None and allowed and value not in allowed:
        limited.errors[name] = f"{model.name} takes {', '.join(allowed)} here, not {value}."
        limited.states[name] = FieldState(values=allowed, refused=value)
        return
    obstacle = limit.obstacle(sent)
    limited.states[name] = limit.state(allowed, obstacle, sent)
    if value is None:
        return
    if obstacle is None or value == limit.neutral:
        sent[name] = value
        return
    if limit.neutral is not None:
        sent[name] = limit.neutral
    if chosen:
        limited.findings.append(_not_sent(model, name, *obstacle))


def _not_sent(model: Model, name: str, rule: str, fix: dict[str, Any]) -> Finding:
    other, wanted = next(iter(fix.items()), ("", None))
    reason = {
        "never": f"{model.name} has no {name}",
        "needs": f"{model.name} takes {name} only with {other} = {wanted}",
        "with": f"{model.name} takes {name} only beside {other}",
        "without": f"{model.name} refuses {name} beside {other}",
    }[rule]
    return Finding(
        id=f"not_sent_{rule}",
        field=name,
        message=f"{reason}; it is not sent.",
        figures={"model": model.name, "field": name, "other": other, "value": wanted},
        fix=fix if wanted is not None else {},
    )


def _apply_rules(
    rules: Iterable[Rule],
    model: Model,
    sent: Mapping[str, Any],
    facts: Mapping[str, Any],
    step_results: StepResults,
) -> list[Finding]:
    named = {**sent, "model_name": model.name}
    found = [one for rule in rules for one in rule(named, facts, step_results)]
    if errors := {one.field: one.message for one in found if one.severity == "error"}:
        raise InputError("; ".join(errors.values()), fields=errors, findings=found)
    return found
