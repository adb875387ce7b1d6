"""What can be asked for: capabilities, their models, limits and prices, checked against each other when loaded."""

from __future__ import annotations

import importlib
import itertools
import pkgutil
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from kling_pipeline.catalog import capabilities as declared
from kling_pipeline.catalog.declaration import Capability, Route, StepResults
from kling_pipeline.catalog.models import Model, read_models
from kling_pipeline.catalog.prices import Price, read_prices
from kling_pipeline.catalog.request import Listing, ParsedRequest, apply_limits, parse_request
from kling_pipeline.errors import NotFound, StudioError
from kling_pipeline.settings import ROOT


class Catalog:
    """Capabilities and rows under one contract; raises StudioError when they do not fit together."""

    def __init__(
        self,
        capabilities: Iterable[Capability],
        models: Iterable[Model],
        prices: Mapping[str, Price],
        *,
        others: Iterable[Model] = (),
        declared: Iterable[Capability] = (),
    ) -> None:
        """`others` are rows of other contracts and `declared` every capability: jobs may be under way with them."""
        self.capabilities = {capability.id: capability for capability in capabilities}
        self.prices = dict(prices)
        self._others = tuple(others)
        self._declared = {one.id: one for one in declared} | self.capabilities
        self._models: dict[str, list[Model]] = {name: [] for name in self.capabilities}
        for model in models:
            if model.capability in self._models:
                self._models[model.capability].append(model)
        for name, rows in self._models.items():
            rows.sort(key=lambda row: not row.default)
            self._check(self.capabilities[name], rows)

    def capability(self, name: str) -> Capability:
        """One capability by id; NotFound when there is none."""
        if name not in self.capabilities:
            message = f"There is no capability {name!r}."
            raise NotFound(message, fields={"capability": message}, code="unknown_capability")
        return self.capabilities[name]

    def models(self, capability: str) -> list[Model]:
        """Return the models of a capability, default first, retired ones included."""
        self.capability(capability)
        return list(self._models[capability])

    def model(self, capability: str, name: str) -> Model:
        """One model of a capability; NotFound when there is none."""
        for row in self.models(capability):
            if row.name == name:
                return row
        raise NotFound(f"{capability} has no model {name!r}.")

    def route(self, name: str) -> Route:
        """Return an endpoint by id, of whichever contract; NotFound when no row names it."""
        for row in self._every_row():
            if row.route.id == name:
                return row.route
        raise NotFound(f"There is no route {name!r}.")

    def sold(self, capability: str, model: str, route: str) -> tuple[Capability, Model]:
        """Return what a job was bought as, of whichever contract; NotFound when no row of any bears the name."""
        rows = [
            row for row in self._every_row() if (row.capability, row.name) == (capability, model)
        ]
        rows.sort(key=lambda row: row.route.id != route)
        if not rows or capability not in self._declared:
            raise NotFound(f"{capability} has no model {model!r}.", code="model_gone")
        return self._declared[capability], rows[0]

    def _every_row(self) -> Iterable[Model]:
        return itertools.chain(*self._models.values(), self._others)

    def unit(self, product: str) -> Decimal:
        """Return credits of one unit of a product."""
        return next(price.unit for price in self.prices.values() if price.product == product)

    def parse(
        self,
        capability: str,
        params: Mapping[str, Any],
        step_results: StepResults,
        *,
        fill: bool = False,
    ) -> ParsedRequest:
        """Read a request and apply model, limits and rules; what is wrong is its `refusal`.

        `step_results` are the answers of its session's calls by name. With `fill` placeholders stand for what is
        missing, so that a half-filled form has a price.
        """
        listing = Listing(self.capability(capability), self._models[capability], self.prices)
        return parse_request(listing, params, step_results, fill=fill)

    def body(
        self,
        capability: str,
        model: str,
        fields: dict[str, Any],
        step_results: Mapping[str, Any],
        route: str = "",
    ) -> dict[str, Any]:
        """Return the body of the create call, files by reference, no ids; `route` stands in for the model's own."""
        found, row = self.sold(capability, model, route)
        build = found.layouts.get(route or row.route.id)
        body = build(dict(fields), step_results) if build else dict(fields)
        return {"model_name": row.name, **body} if row.send_name else body

    def _check(self, capability: Capability, rows: list[Model]) -> None:
        if not rows or not rows[0].default:
            raise StudioError(f"{capability.id} has no default model.", code="bad_row")
        for row in rows:
            unknown = [name for name in row.limits if name not in capability.request.model_fields]
            if unknown:
                raise StudioError(
                    f"{row.name}: {capability.id} has no {unknown[0]}.", code="bad_row"
                )
            if row.price not in self.prices:
                raise StudioError(f"{row.name}: there is no price {row.price}.", code="bad_row")
            if row.status != "retired":
                for sent in _combinations(row):
                    self.prices[row.price].cost(sent)


def _combinations(row: Model) -> Iterable[dict[str, Any]]:
    """Every mix of values that a price can depend on, as the row would send it."""
    options: dict[str, list[Any]] = {name: list(limit.values) for name, limit in row.limits.items()}
    named = [name for name, values in options.items() if values]
    files = [name for name in ("image", "image_list") if name in row.limits]
    for values in itertools.product(*(options[name] for name in named)):
        given: dict[str, Any] = dict(zip(named, values, strict=True))
        for has_file in (False, True) if files else (False,):
            extra = dict.fromkeys(files, "file") if has_file else {}
            whole = {**dict.fromkeys(row.limits), **given, **extra}
            needed = {name: "file" for name in row.requires if whole.get(name) is None}
            limited = apply_limits(row, {**whole, **needed}, frozenset(named))
            # A mix that the row refuses is never sold.
            if not limited.errors:
                yield limited.sent


def load_catalog(contract: str, *, data: Path = ROOT / "data") -> Catalog:
    """Return the catalog of this checkout: every capability file, `models.toml` and `prices.toml`."""
    found = [
        importlib.import_module(f"{declared.__name__}.{module.name}").CAPABILITY
        for module in pkgutil.iter_modules(declared.__path__)
    ]
    file = data / "models.toml"
    models = read_models(file, contract)
    # The order of the rows is the order of the tabs.
    order = list(dict.fromkeys(row.capability for row in models))
    return Catalog(
        sorted((one for one in found if one.id in order), key=lambda one: order.index(one.id)),
        models,
        read_prices(data / "prices.toml"),
        others=read_models(file, contract, others=True),
        declared=found,
    )
