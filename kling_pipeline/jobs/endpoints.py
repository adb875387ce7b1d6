"""Where a job is asked for: the facts of its endpoint as they stood when it was bought.

A catalog changes (another contract, a row that is gone) while tasks are under way at Kling; what is paid for there is
asked for all the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from kling_pipeline.catalog.declaration import Route
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.job import Job

_FACTS = ("id", "path", "result", "pool", "dialect", "find", "duplicate_refused")
_NAMES = {one.name for one in fields(Route)}
_NEEDED = {"id", "path", "result", "pool"}


def freeze_route(route: Route) -> str:
    """Return the facts as the column `endpoint` keeps them."""
    return json.dumps({name: getattr(route, name) for name in _FACTS})


def read_route(engine: Engine, name: str, endpoint: Mapping[str, Any] | None) -> Route:
    """Return an endpoint by its frozen facts; a row that has none is of an older studio and goes by its name.

    NotFound when no row of any contract bears the name.
    """
    facts = {name: value for name, value in (endpoint or {}).items() if name in _NAMES}
    whole = all(isinstance(facts.get(needed), str) for needed in _NEEDED)
    return Route(**facts) if whole else engine.catalog.route(name)


def route_of(engine: Engine, job: Job) -> Route:
    """Where this job was sent, or will be."""
    return read_route(engine, job.route, job.endpoint)
