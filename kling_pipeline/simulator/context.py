"""The context of every request: the parts of one simulator, and lookups that several share."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kling_pipeline.simulator.errors import ApiError, invalid
from kling_pipeline.simulator.faults import Faults
from kling_pipeline.simulator.files import Files
from kling_pipeline.simulator.options import Options
from kling_pipeline.simulator.render.renderer import Renderer
from kling_pipeline.simulator.rules.loader import Rules
from kling_pipeline.simulator.tasks.store import TaskStore
from kling_pipeline.simulator.tasks.task import now_ms

_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Context:
    """The parts of one simulator."""

    options: Options
    rules: Rules
    store: TaskStore
    files: Files
    renderer: Renderer
    faults: Faults

    def find_media(self, kind: str, id_: str) -> dict[str, Any]:
        """Find the record of a video_id or audio_id, which live 30 days; raises ApiError 1201."""
        since = now_ms() - int(self.rules.retention["link_days"] * _DAY_MS)
        item = self.store.find_record(kind, id_, since)
        if item is None or not self.files.path(item["file"]).exists():
            raise invalid(f"{kind} {id_} not found or expired")
        return item

    def find_session(self, kind: str, id_: str) -> dict[str, Any]:
        """Find a session, which lives 24 hours; raises ApiError 1201."""
        since = now_ms() - int(self.rules.retention["session_hours"] * _HOUR_MS)
        item = self.store.find_record(kind, id_, since)
        if item is None:
            raise invalid(f"session_id {id_} not found or expired")
        return item

    def check_balance(self, pool: str, price: Decimal) -> None:
        """Raise ApiError 1102 if the account's units do not cover a price."""
        total = self.options.units.get(pool, self.rules.pools[pool]["units"])
        if self.store.units_taken(pool) + price > Decimal(str(total)):
            raise ApiError(1102)

    def check_concurrency(self, pool: str, wanted: int) -> None:
        """Raise ApiError 1303 if `wanted` more slots exceed what the account's pack allows at once."""
        limit = self.options.slots.get(pool, int(self.rules.pools[pool]["slots"]))
        if self.store.slots_taken(pool, now_ms()) + wanted > limit:
            raise ApiError(1303)

    def charge(self, pool: str, price: Decimal) -> str:
        """Charge a synchronous call and return its final_unit_deduction; raises ApiError 1102."""
        self.check_balance(pool, price)
        units = f"{price.normalize():f}"
        self.store.spend(pool, units)
        return units
