"""The strict part: read a body by the rules of its endpoint and model, and price it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from kling_pipeline.simulator import checks_image, checks_omni, checks_other, checks_video
from kling_pipeline.simulator.ask import Ask, edits_film
from kling_pipeline.simulator.body import check_exactly_one, check_fields, enclosures
from kling_pipeline.simulator.errors import ApiError, invalid
from kling_pipeline.simulator.rulebook import Endpoint, Model

_log = logging.getLogger(__name__)
_CHECKS = {
    **checks_video.CHECKS,
    **checks_omni.CHECKS,
    **checks_image.CHECKS,
    **checks_other.CHECKS,
}


def read(endpoint: Endpoint, body: Mapping[str, Any]) -> Ask:
    """Turn a body into an Ask; raises ApiError 1201 (1301 for a prompt with "[refuse]")."""
    ignored = endpoint.row.get("edit_ignores", []) if edits_film(body) else []
    heeded = {name: value for name, value in body.items() if name not in ignored}
    clean = check_fields(endpoint.fields, heeded)
    model = endpoint.model(clean.get("model_name"))
    ask = Ask(
        endpoint=endpoint,
        model=model,
        body=clean,
        enclosures=tuple(enclosures(endpoint.fields, clean)),
        mode=clean.get(endpoint.mode_field, endpoint.row.get("mode", "")),
        seconds=clean.get("duration", endpoint.row.get("seconds", "")),
    )
    _check_pairs(ask, endpoint.row)
    if model is not None:
        ask = _heeded(ask, model)
        _check_model(ask, model)
    for check in endpoint.row.get("checks", []):
        _CHECKS[check](ask)
    if "[refuse]" in ask.words:
        raise ApiError(1301)
    return ask


def units(ask: Ask, seconds: float, mode: str = "") -> Decimal:
    """Price an Ask in the units of its pool (Kling price list, Sept 2026).

    `seconds` is the length charged for; per-call endpoints and pictures ignore it. `mode` is that
    of the video that is worked on, for endpoints that have none of their own.
    """
    row = ask.endpoint.row
    if "per_call" in row:
        price = row["per_call"]
        return Decimal(price if isinstance(price, str) else price[mode or "std"])
    if "per_started" in row:
        step = int(row["per_started"]["seconds"])
        begun = max(1, -(-round(seconds * 1000) // (step * 1000)))
        return Decimal(row["per_started"]["units"]) * begun
    price = _price(ask, ask.model.price if ask.model else row["price"])
    if ask.endpoint.makes == "image":
        return price * ask.pictures
    return price * Decimal(f"{seconds:g}")


def _check_pairs(ask: Ask, row: Mapping[str, Any]) -> None:
    for first, second in row.get("excludes", []):
        if ask.asks_for(first) and ask.asks_for(second):
            raise invalid(f"{first} and {second} cannot be used together")
    for name, other in row.get("needs", {}).items():
        if ask.asks_for(name) and not ask.asks_for(other):
            raise invalid(f"{name} requires {other}")
    for first, second in row.get("together", []):
        if ask.asks_for(first) and not ask.asks_for(second):
            raise invalid(f"{second} is required with {first} for the current model")
    for name in row.get("requires", []):
        if not ask.asks_for(name):
            raise invalid(f"{name} is required for the current model")
    names = row.get("one_or_more", [])
    if names and not any(name in ask.body for name in names):
        raise invalid(f"At least one of {' and '.join(names)} is required")
    if names := row.get("exactly_one", []):
        check_exactly_one(names, ask.body)


def _heeded(ask: Ask, model: Model) -> Ask:
    """Leave out what this model takes and ignores: "not supported" that is no refusal."""
    names = {*ask.endpoint.row.get("ignored", []), *model.row.get("ignored", [])}
    unheeded = names & ask.body.keys() - model.supports.keys()
    for name in unheeded:
        _log.info("%s ignored by %s", name, model.name)
    return replace(ask, body={k: v for k, v in ask.body.items() if k not in unheeded})


def _check_model(ask: Ask, model: Model) -> None:
    field = ask.endpoint.mode_field
    if model.modes and ask.mode not in model.modes:
        raise invalid(f"{field} value '{ask.mode}' is not supported by the current model")
    if model.seconds and ask.seconds not in model.seconds:
        raise invalid(f"duration value '{ask.seconds}' is not supported by the current model")
    longest = model.row.get("prompt_max")
    if longest and len(ask.body.get("prompt", "")) > longest:
        raise invalid(f"prompt must not exceed {longest} characters")
    features = {name for one in ask.endpoint.models.values() for name in one.supports}
    for name in sorted(features & ask.body.keys()):
        if ask.asks_for(name):
            _check_feature(ask, model, name)
    _check_pairs(ask, model.row)


def _check_feature(ask: Ask, model: Model, name: str) -> None:
    places = model.supports.get(name)
    other_name = ask.endpoint.row.get("other_names", {}).get(name)
    if places is None:
        words = (other_name or name.replace("_", " ")).capitalize()
        usual = f"{words} is not supported by the current model"
        raise invalid(model.row.get("refusals", {}).get(name, usual))
    if ask.mode not in places and f"{ask.mode}/{ask.seconds}" not in places:
        names = "model/mode/duration" if ask.seconds else f"model/{ask.endpoint.mode_field}"
        raise invalid(f"{names}({ask.combination}) is not supported with {other_name or name}")


def _price(ask: Ask, prices: Mapping[str, str]) -> Decimal:
    if ask.endpoint.makes == "image":
        source = "image" if ask.enclosures else "text"
        keys = [f"{ask.mode}+{source}", source]
    else:
        sound = f"{ask.mode}+sound" if ask.asks_for("sound") else ""
        voice = f"{sound}+voice" if sound and "voice_list" in ask.body else ""
        video = f"{ask.mode}+video" if "video_list" in ask.body else ""
        keys = [voice, sound, video, ask.mode, "each"]
    return Decimal(next(prices[key] for key in keys if key in prices))
