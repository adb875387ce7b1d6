"""What each model takes, as rows of `data/models.toml`; the rules of those rows are applied here."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kling_pipeline.catalog.declaration import Route
from kling_pipeline.catalog.limits import Limit, read_limit
from kling_pipeline.errors import StudioError


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
                limits={name: read_limit(rule) for name, rule in row["takes"].items()},
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
