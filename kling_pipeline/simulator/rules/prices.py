"""Prices of create requests and synchronous calls, in units."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from kling_pipeline.simulator.rules.create_request import CreateRequest


def price_in_units(request: CreateRequest, seconds: float, mode: str = "") -> Decimal:
    """Price a request in the units of its pool (Kling price list, Sept 2026).

    `seconds` is the length charged for; images and endpoints with a price per call ignore it.
    `mode` is that of the source video, for endpoints that have no mode of their own.
    """
    row = request.endpoint.row
    if "per_call" in row:
        price = row["per_call"]
        return Decimal(price if isinstance(price, str) else price[mode or "std"])
    if "per_started" in row:
        step = int(row["per_started"]["seconds"])
        started = max(1, -(-round(seconds * 1000) // (step * 1000)))
        return Decimal(row["per_started"]["units"]) * started
    price = _unit_price(request, request.model.price if request.model else row["price"])
    if request.endpoint.makes == "image":
        return price * request.image_count
    return price * Decimal(f"{seconds:g}")


def _unit_price(request: CreateRequest, prices: Mapping[str, str]) -> Decimal:
    if request.endpoint.makes == "image":
        source = "image" if request.media_fields else "text"
        keys = [f"{request.mode}+{source}", source]
    else:
        sound = f"{request.mode}+sound" if request.is_on("sound") else ""
        voice = f"{sound}+voice" if sound and "voice_list" in request.body else ""
        video = f"{request.mode}+video" if "video_list" in request.body else ""
        keys = [voice, sound, video, request.mode, "each"]
    return Decimal(next(prices[key] for key in keys if key in prices))
