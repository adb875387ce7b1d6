"""Load endpoints, fields, models, voices and limits from rules.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kling_pipeline.simulator.errors import invalid
from kling_pipeline.simulator.options import Contract

_FILE = Path(__file__).with_name("rules.toml")
_SHARED: Mapping[str, Mapping[str, Any]] = {
    "callback_url": {"type": "string"},
    "external_task_id": {"type": "string"},
    "watermark_info": {"type": "object", "fields": {"enabled": {"type": "bool"}}},
}


@dataclass(frozen=True)
class Field:
    """The rule of one field in an endpoint's body; `sides` in pixels, `rates` in frames a second."""

    type: str
    required: bool = False
    one_of: tuple[str, ...] = ()
    min: float | None = None
    max: float | None = None
    role: str = ""
    megabytes: float = 10
    sides: tuple[int, int] | None = None
    fps: tuple[int, int] | None = None
    rates: tuple[int, ...] = ()
    seconds: tuple[float, float] | None = None
    fields: Mapping[str, Field] = field(default_factory=dict)
    items: Mapping[str, Field] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """What one model accepts on one endpoint, and its price in units."""

    name: str
    state: str
    modes: tuple[str, ...]
    seconds: tuple[str, ...]
    supports: Mapping[str, tuple[str, ...]]
    price: Mapping[str, str]
    row: Mapping[str, Any]


@dataclass(frozen=True)
class Endpoint:
    """One path with its rules; `family` is its name in rules.toml."""

    family: str
    path: str
    pool: str
    makes: str
    fields: Mapping[str, Field]
    models: Mapping[str, Model]
    row: Mapping[str, Any]

    @property
    def mode_field(self) -> str:
        """The name of the quality field: "mode" for video, "resolution" for images."""
        return str(self.row.get("mode_field", "mode"))

    @property
    def is_v2(self) -> bool:
        """Tell whether the path belongs to the vendor's new standard (v2)."""
        return bool(self.row.get("standard"))

    @property
    def is_synchronous(self) -> bool:
        """Tell whether a call is answered with its result instead of a task."""
        return bool(self.row.get("synchronous"))

    def model(self, name: str | None) -> Model | None:
        """Find a model, the default for None; raises ApiError if it is unknown or discontinued."""
        if not self.models:
            return None
        name = name or str(self.row["model"])
        found = self.models.get(name)
        if found is None:
            raise invalid(f"model_name value '{name}' is invalid")
        if found.state == "retired":
            raise invalid(f"The model '{name}' has been discontinued and is no longer available.")
        return found


class Rules:
    """All endpoints of one contract, and the figures of clock, pools and retention.

    `more` names a TOML file with further rows; raises OSError or ValueError if it cannot be read.
    """

    def __init__(
        self, contract: Contract, model_states: Mapping[str, str], more: Path | None = None
    ) -> None:
        rows = tomllib.loads(_FILE.read_text(encoding="utf-8"))
        models = rows.pop("model")
        if more is not None:
            added = tomllib.loads(more.read_text(encoding="utf-8"))
            models += added.pop("model", [])
            rows |= added
        self.clock: Mapping[str, float] = rows.pop("clock")
        self.pools: Mapping[str, Mapping[str, float]] = rows.pop("pools")
        self.retention: Mapping[str, float] = rows.pop("retention")
        self.voices: Mapping[str, list[str]] = rows.pop("voices", {})
        self.scenes: Mapping[str, list[str]] = rows.pop("scenes", {})
        models = [row for row in models if _is_in(contract, row)]
        endpoints = {
            family: _endpoint(family, _inherit(row, rows), models, model_states)
            for family, row in rows.items()
            if _is_in(contract, row)
        }
        self.endpoints: Mapping[str, Endpoint] = endpoints
        self.by_path: Mapping[str, Endpoint] = {one.path: one for one in endpoints.values()}


def _is_in(contract: Contract, row: Mapping[str, Any]) -> bool:
    return bool(row.get("contract", contract) == contract)


def _inherit(row: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Fill a row from the one it is `like`; its own entries win, fields are merged."""
    if "like" not in row:
        return dict(row)
    base = _inherit(rows[row["like"]], rows)
    fields = {**base.get("fields", {}), **row.get("fields", {})}
    kept = {name: f for name, f in fields.items() if name not in row.get("without", [])}
    return {**base, **row, "fields": kept}


def _endpoint(
    family: str,
    row: Mapping[str, Any],
    models: list[Mapping[str, Any]],
    states: Mapping[str, str],
) -> Endpoint:
    here = {m["name"]: _model(m, states) for m in models if family in m["on"]}
    shared = {} if row.get("synchronous") else dict(_SHARED)
    if row.get("no_watermark"):
        del shared["watermark_info"]
    named: dict[str, Mapping[str, Any]] = {"model_name": {"type": "string"}} if here else {}
    return Endpoint(
        family=family,
        path=row["path"],
        pool=row["pool"],
        makes=row["makes"],
        fields=_fields({**named, **row.get("fields", {}), **shared}),
        models=here,
        row=row,
    )


def _model(row: Mapping[str, Any], states: Mapping[str, str]) -> Model:
    return Model(
        name=row["name"],
        state=states.get(row["name"], row["state"]),
        modes=tuple(row.get("modes", ())),
        seconds=tuple(row.get("seconds", ())),
        supports={name: tuple(where) for name, where in row.get("supports", {}).items()},
        price=row["price"],
        row=row,
    )


def _fields(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Field]:
    made: dict[str, Field] = {}
    for name, row in rows.items():
        nested = {key: _fields(row[key]) for key in ("fields", "items") if key in row}
        lists = {
            key: tuple(row[key])
            for key in ("one_of", "sides", "fps", "rates", "seconds")
            if key in row
        }
        made[name] = Field(**{**row, **nested, **lists})
    return made
