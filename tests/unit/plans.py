"""What the catalog makes of a request whose files were measured elsewhere: the steps of a quote without an engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kling_pipeline.catalog.catalog import Catalog
from kling_pipeline.catalog.declaration import Finding
from kling_pipeline.catalog.prices import Cost
from kling_pipeline.catalog.request import ParsedRequest


@dataclass(frozen=True)
class Plan:
    """A request that nothing refused."""

    parsed: ParsedRequest
    params: dict[str, Any]
    sent: dict[str, Any]
    cost: Cost
    warnings: list[Finding]


def plan(
    catalog: Catalog,
    capability: str,
    params: Mapping[str, Any],
    facts: Mapping[str, Any] | None = None,
    step_results: Mapping[str, Any] | None = None,
) -> Plan:
    """InputError names each wrong field; `facts` are the measures of the files by field."""
    parsed, facts = catalog.parse(capability, params, step_results or {}), facts or {}
    if parsed.refusal is not None:
        raise parsed.refusal
    found = parsed.apply_rules(parsed.listing.capability.file_rules, facts)
    lengths = {name: getattr(fact, "duration", None) for name, fact in facts.items()}
    cost = parsed.price.cost(parsed.sent, lengths, parsed.step_units)
    given = {name: value for name, value in parsed.given.items() if value not in (None, [])}
    return Plan(parsed, given, parsed.sent, cost, [*parsed.findings, *found])
