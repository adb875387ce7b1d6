"""The account's page: what is left of its resource packs."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kling_pipeline.simulator.answers import succeed
from kling_pipeline.simulator.desk import Desk
from kling_pipeline.simulator.errors import ApiError, invalid
from kling_pipeline.simulator.routes import admit
from kling_pipeline.simulator.tasks.task import now_ms

_YEAR_MS = 365 * 86_400_000


def routes(desk: Desk) -> list[Route]:
    """List the account's route."""
    asked = [-1.0]
    return [Route("/account/costs", partial(_costs, desk, asked), methods=["GET"])]


async def _costs(desk: Desk, asked: list[float], request: Request) -> Response:
    admit(desk, request)
    now = time.monotonic()
    if asked[0] >= 0 and now - asked[0] < 1:
        raise ApiError(1302)
    asked[0] = now
    for name in ("start_time", "end_time"):
        if not request.query_params.get(name, "").isdecimal():
            raise invalid(f"{name} is required")
    wanted = request.query_params.get("resource_pack_name")
    packs = [_pack(desk, pool) for pool in desk.bench.rules.pools]
    shown = [pack for pack in packs if wanted in (None, "", pack["resource_pack_name"])]
    return succeed({"code": 0, "msg": "SUCCEED", "resource_pack_subscribe_infos": shown})


def _pack(desk: Desk, pool: str) -> dict[str, Any]:
    bench = desk.bench
    total = float(bench.options.units.get(pool, bench.rules.pools[pool]["units"]))
    left = total - float(bench.store.units_taken(pool))
    bought = int(bench.store.setting("opened_at", str(now_ms())))
    return {
        "resource_pack_name": f"Simulated-{pool}",
        "resource_pack_id": f"simulated-{pool}",
        "resource_pack_type": "decreasing_total",
        "total_quantity": total,
        "remaining_quantity": left,
        "purchase_time": bought,
        "effective_time": bought,
        "invalid_time": bought + _YEAR_MS,
        "status": "online" if left > 0 else "runOut",
    }
