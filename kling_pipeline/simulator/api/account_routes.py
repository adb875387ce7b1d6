"""The account route: what is left of the resource packs."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kling_pipeline.simulator.api.envelope import success
from kling_pipeline.simulator.auth import authenticate
from kling_pipeline.simulator.errors import ApiError, invalid
from kling_pipeline.simulator.service import Service
from kling_pipeline.simulator.tasks.task import now_ms

_YEAR_MS = 365 * 86_400_000


def routes(service: Service) -> list[Route]:
    """List the account's only route."""
    last_call = [float("-inf")]  # on the monotonic clock, in seconds
    return [Route("/account/costs", partial(_costs, service, last_call), methods=["GET"])]


async def _costs(service: Service, last_call: list[float], request: Request) -> Response:
    authenticate(request, service.context.options)
    now = time.monotonic()
    if now - last_call[0] < 1:
        raise ApiError(1302)
    last_call[0] = now
    for name in ("start_time", "end_time"):
        if not request.query_params.get(name, "").isdecimal():
            raise invalid(f"{name} is required")
    wanted = request.query_params.get("resource_pack_name")
    packs = [_pack(service, pool) for pool in service.context.rules.pools]
    chosen = [pack for pack in packs if wanted in (None, "", pack["resource_pack_name"])]
    return success({"code": 0, "msg": "SUCCEED", "resource_pack_subscribe_infos": chosen})


def _pack(service: Service, pool: str) -> dict[str, Any]:
    context = service.context
    total = float(context.options.units.get(pool, context.rules.pools[pool]["units"]))
    left = total - float(context.store.units_taken(pool))
    purchased_at = int(context.store.setting("opened_at", str(now_ms())))
    return {
        "resource_pack_name": f"Simulated-{pool}",
        "resource_pack_id": f"simulated-{pool}",
        "resource_pack_type": "decreasing_total",
        "total_quantity": total,
        "remaining_quantity": left,
        "purchase_time": purchased_at,
        "effective_time": purchased_at,
        "invalid_time": purchased_at + _YEAR_MS,
        "status": "online" if left > 0 else "runOut",
    }
