"""Validate the body of a create request by the rules of its endpoint and model."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kling_pipeline.simulator.errors import ApiError, invalid
from kling_pipeline.simulator.rules import checks_audio, checks_image, checks_omni, checks_video
from kling_pipeline.simulator.rules.create_request import CreateRequest, edits_video
from kling_pipeline.simulator.rules.fields import check_exactly_one, check_fields, media_fields
from kling_pipeline.simulator.rules.loader import Endpoint, Model

_log = logging.getLogger(__name__)
_CHECKS = {
    **checks_video.CHECKS,
    **checks_omni.CHECKS,
    **checks_image.CHECKS,
    **checks_audio.CHECKS,
}


def parse_create_request(endpoint: Endpoint, body: Mapping[str, Any]) -> CreateRequest:
    """Check a body and return it as a CreateRequest; raises ApiError 1201, 1301 for "[refuse]"."""
    ignored = endpoint.row.get("edit_ignores", []) if edits_video(body) else []
    kept = {name: value for name, value in body.items() if name not in ignored}
    clean = check_fields(endpoint.fields, kept)
    model = endpoint.model(clean.get("model_name"))
    request = CreateRequest(
        endpoint=endpoint,
        model=model,
        body=clean,
        media_fields=tuple(media_fields(endpoint.fields, clean)),
        mode=clean.get(endpoint.mode_field, endpoint.row.get("mode", "")),
        seconds=clean.get("duration", endpoint.row.get("seconds", "")),
    )
    _check_pairs(request, endpoint.row)
    if model is not None:
        request = _drop_ignored(request, model)
        _check_model(request, model)
    for check in endpoint.row.get("checks", []):
        _CHECKS[check](request)
    if "[refuse]" in request.prompt_text:
        raise ApiError(1301)
    return request


def _check_pairs(request: CreateRequest, row: Mapping[str, Any]) -> None:
    for first, second in row.get("excludes", []):
        if request.is_on(first) and request.is_on(second):
            raise invalid(f"{first} and {second} cannot be used together")
    for name, other in row.get("needs", {}).items():
        if request.is_on(name) and not request.is_on(other):
            raise invalid(f"{name} requires {other}")
    for first, second in row.get("together", []):
        if request.is_on(first) and not request.is_on(second):
            raise invalid(f"{second} is required with {first} for the current model")
    for name in row.get("requires", []):
        if not request.is_on(name):
            raise invalid(f"{name} is required for the current model")
    names = row.get("one_or_more", [])
    if names and not any(name in request.body for name in names):
        raise invalid(f"At least one of {' and '.join(names)} is required")
    if names := row.get("exactly_one", []):
        check_exactly_one(names, request.body)


def _drop_ignored(request: CreateRequest, model: Model) -> CreateRequest:
    """Leave out the fields that this model accepts and ignores."""
    names = {*request.endpoint.row.get("ignored", []), *model.row.get("ignored", [])}
    ignored = names & request.body.keys() - model.supports.keys()
    for name in ignored:
        _log.info("%s ignored by %s", name, model.name)
    return replace(request, body={k: v for k, v in request.body.items() if k not in ignored})


def _check_model(request: CreateRequest, model: Model) -> None:
    field = request.endpoint.mode_field
    if model.modes and request.mode not in model.modes:
        raise invalid(f"{field} value '{request.mode}' is not supported by the current model")
    if model.seconds and request.seconds not in model.seconds:
        raise invalid(f"duration value '{request.seconds}' is not supported by the current model")
    longest = model.row.get("prompt_max")
    if longest and len(request.body.get("prompt", "")) > longest:
        raise invalid(f"prompt must not exceed {longest} characters")
    features = {name for one in request.endpoint.models.values() for name in one.supports}
    for name in sorted(features & request.body.keys()):
        if request.is_on(name):
            _check_feature(request, model, name)
    _check_pairs(request, model.row)


def _check_feature(request: CreateRequest, model: Model, name: str) -> None:
    modes = model.supports.get(name)
    label = request.endpoint.row.get("other_names", {}).get(name)
    if modes is None:
        title = (label or name.replace("_", " ")).capitalize()
        default = f"{title} is not supported by the current model"
        raise invalid(model.row.get("refusals", {}).get(name, default))
    if request.mode not in modes and f"{request.mode}/{request.seconds}" not in modes:
        parts = "model/mode/duration" if request.seconds else f"model/{request.endpoint.mode_field}"
        raise invalid(f"{parts}({request.combination}) is not supported with {label or name}")
