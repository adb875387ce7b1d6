"""The price of a request, in a straight line: read its fields, measure its files, price it, lint it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from kling_pipeline.catalog.declaration import Finding
from kling_pipeline.catalog.prices import Cost
from kling_pipeline.catalog.request import ParsedRequest
from kling_pipeline.errors import InputError
from kling_pipeline.jobs.accounts import read_balance
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.idempotency import JobRequest
from kling_pipeline.jobs.inputs import MeasuredRequest, brings_files, measure
from kling_pipeline.jobs.sessions import read_session
from kling_pipeline.lint.lint import Subject, lint
from kling_pipeline.storage.job_states import REFUNDED, sql_states

_MOST_VARIANTS = 100
_LOOK_BACK = 500  # jobs among which an equal one is looked for


@dataclass(frozen=True)
class Quote:
    """A request with its price; `refusal` says what is wrong first, and then there is no cost.

    `unread`: the refusal came before anything could be read of the request.
    """

    parsed: ParsedRequest
    measured: MeasuredRequest
    variants: int
    cost: Cost | None = None
    findings: Sequence[Finding] = ()
    refusal: InputError | None = None
    unread: bool = False

    @property
    def each(self) -> int:
        """Return the credits of one job."""
        return self.cost.credits if self.cost else 0

    @property
    def price(self) -> int:
        """Return the credits of all variants."""
        return self.each * self.variants

    @property
    def working(self) -> str:
        """Return how the price comes about, in words."""
        each = self.cost.working if self.cost else ""
        many = self.variants > 1
        return f"{each}; x {self.variants} variants = {self.price}" if many else each

    @property
    def slots(self) -> int:
        """Return the places of the pool's concurrency that one job takes while it runs."""
        # A picture is a slot, whatever makes a task of it (Kling docs, concurrency, Sept 2026).
        return self.cost.pictures if self.cost else 1

    @property
    def params(self) -> dict[str, Any]:
        """Return what was asked for, defaults included, files by asset id."""
        return {name: one for name, one in self.measured.given.items() if one not in (None, [])}

    @property
    def step_results(self) -> dict[str, Any]:
        """Return the answers of the session's calls, and the seconds of the files by field."""
        return {**self.parsed.step_results, "lengths": self.measured.files.lengths}


@dataclass(frozen=True)
class FormQuote:
    """What a form is worth that may be half filled, with placeholders for what is missing.

    `offers` are by field the settings that would make it usable, each with the credits it adds (None: not known).
    """

    quote: Quote
    offers: Mapping[str, list[tuple[dict[str, Any], int | None]]]
    available: int


def quote_request(engine: Engine, owner: str, request: JobRequest) -> Quote:
    """Check one request, files included, and price it; InputError names each wrong field."""
    quote = _quote(engine, owner, request)
    if quote.refusal is not None:
        raise quote.refusal
    return quote


def quote_form(engine: Engine, owner: str, request: JobRequest) -> FormQuote:
    """Price what a form holds, and each setting that would help; the database is asked once for all of it."""
    capability = engine.catalog.capability(request.capability)
    # To decode files takes long, and few may read at once.
    slow = brings_files(capability, request.params)
    with nullcontext() if slow else engine.store.read():
        quote = _quote(engine, owner, request, fill=True)
        offers = {
            name: [(settings, _added(engine, quote, settings)) for settings in state.fixes(name)]
            for name, state in quote.parsed.states.items()
        }
        return FormQuote(quote, offers, read_balance(engine, owner)["available"])


def _quote(engine: Engine, owner: str, request: JobRequest, *, fill: bool = False) -> Quote:
    """Parse, measure, price and lint; a refusal ends the line at the step that says no."""
    parsed, unread = _parse(engine, owner, request, fill)
    measured = measure(engine, owner, parsed)
    if measured.refusal is not None:
        return Quote(parsed, measured, request.variants, refusal=measured.refusal, unread=unread)
    cost = parsed.price.cost(measured.sent, measured.files.lengths, parsed.step_units)
    with engine.store.read() as db:
        count, credits = db.execute(
            f"""SELECT count(*), coalesce(sum(price), 0) FROM
               (SELECT * FROM job WHERE owner = ? ORDER BY seq DESC LIMIT ?)
               WHERE capability = ? AND model = ? AND request = ?
               AND state NOT IN {sql_states(REFUNDED)}""",
            [owner, _LOOK_BACK, parsed.listing.capability.id, parsed.model.name, measured.stored],
        ).fetchone()
    found = lint(
        Subject(
            parsed.listing.capability, measured.given, measured.sent, parsed.model, parsed.listing.models[0],
            measured.files.facts, parsed.step_results, request.variants, (count, credits),
            (parsed.price.of, parsed.price.most), cost.pictures,
        )
    )  # fmt: skip
    if errors := {one.field: one.message for one in found if one.severity == "error"}:
        refusal = InputError("; ".join(errors.values()), fields=errors, findings=found)
        return Quote(parsed, measured, request.variants, refusal=refusal)
    findings = (*parsed.findings, *measured.findings, *found)
    return Quote(parsed, measured, request.variants, cost, findings)


def _parse(
    engine: Engine, owner: str, request: JobRequest, fill: bool
) -> tuple[ParsedRequest, bool]:
    """Parse the request over what its session began with; tell whether anything of it could not be read."""
    params, step_results, refusal = request.params, dict[str, Any](), None
    try:
        _check_variants(request)
        if isinstance(params, Mapping) and params.get("session") is not None:
            params, step_results = read_session(engine, owner, request.capability, params)
    except InputError as error:
        if not fill:
            raise
        refusal = error
    parsed = engine.catalog.parse(request.capability, params, step_results, fill=fill)
    if refusal is not None:
        return replace(parsed, refusal=refusal), True
    return parsed, parsed.unread is not None


def _check_variants(request: JobRequest) -> None:
    if isinstance(request.variants, bool) or not isinstance(request.variants, int):
        raise InputError.at("variant_count", "variant_count is a whole number.")
    if not 1 <= request.variants <= _MOST_VARIANTS:
        raise InputError.at(
            "variant_count",
            f"{request.variants} variants; from 1 to {_MOST_VARIANTS} are possible.",
        )
    if request.template is not None:
        raise InputError.at("template", "There is no such template.")


def _added(engine: Engine, quote: Quote, settings: Mapping[str, Any]) -> int | None:
    """Return the credits that other settings add to a quote; None where one of the two has no price."""
    if quote.cost is None:
        return None
    changed = quote.parsed.change(settings)
    measured = quote.measured.change(engine, changed)
    if measured.refusal is not None:
        return None
    cost = changed.price.cost(measured.sent, measured.files.lengths, changed.step_units)
    return (cost.credits - quote.cost.credits) * quote.variants
