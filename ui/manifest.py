"""The manifest for the page's scripts: each capability's files, calls and their prices, and the voices."""

from __future__ import annotations

from typing import Any

from kling_pipeline.catalog.declaration import Capability
from kling_pipeline.catalog.voices import LETTERS_A_SECOND, read_voices
from kling_pipeline.pipeline import Pipeline
from ui.form.fields import read_fields


def read_manifest(pipeline: Pipeline) -> dict[str, Any]:
    """Return `manifest`: `{media, numbered, calls, widgets}` by capability; `voices`: `[{id, languages, names}]`; and
    `pace`: letters per second by language, for the length of spoken text.
    """
    return {
        "manifest": {
            capability.id: _describe(pipeline, capability)
            for capability in pipeline.catalog.capabilities.values()
        },
        "pace": LETTERS_A_SECOND,
        "voices": [
            {"id": voice.id, "languages": voice.languages, "names": dict(voice.names)}
            for voice in read_voices().values()
        ],
    }


def _describe(pipeline: Pipeline, capability: Capability) -> dict[str, Any]:
    fields = read_fields(capability, pipeline.catalog.models(capability.id))
    prices = pipeline.call_prices(capability.id)
    return {
        "media": [
            {"name": one.name, "kind": one.media.kind, "most": one.media.most}
            for one in fields
            if one.media is not None
        ],
        "numbered": list(capability.numbered),
        "calls": [
            {
                "id": call.id,
                "price": prices[call.id],
                "opens": call.opens,
                "kept": call.result_key,
                "asks": list(call.asks.model_fields),
            }
            for call in capability.calls
        ],
        "widgets": {one.name: one.widget for one in fields},
    }
