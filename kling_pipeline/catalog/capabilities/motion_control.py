"""A character from a picture, moving as somebody in a video moves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from kling_pipeline.catalog.declaration import (
    MB,
    Capability,
    Fields,
    File,
    Finding,
    Image,
    Look,
    Media,
    Mode,
    ModelName,
    Request,
    StepResults,
    blank_is_none,
)

Motion = Annotated[
    File,
    Look("media"),
    Media("video", side=340, longest=3850, cap=100 * MB, seconds=(3, 30), as_url="video_url"),
]


class MotionControl(Request):
    """Kling docs, motion control (legacy), Sept 2026; the clip is as long as the motion that can be used."""

    image_url: Image
    video_url: Motion
    prompt: Annotated[
        str | None, Field(max_length=2500), BeforeValidator(blank_is_none), Look("prompt")
    ] = None
    model_name: ModelName = "kling-v2-6"
    mode: Mode = "std"
    character_orientation: Annotated[Literal["image", "video"], Look("choice")] = "image"
    keep_original_sound: Annotated[Literal["yes", "no"], Look("switch", advanced=True)] = "yes"


def motion_length(
    sent: Fields, facts: Mapping[str, Any], step_results: StepResults
) -> Iterable[Finding]:
    """Ten seconds at most when the character keeps the orientation of its picture."""
    seconds = getattr(facts.get("video_url"), "duration", None)
    if seconds and seconds > 10.05 and sent.get("character_orientation") == "image":
        yield Finding(
            "motion_too_long",
            "video_url",
            f"{seconds:.1f} s; at most 10 s when the orientation follows the image.",
            severity="error",
            figures={"seconds": round(seconds, 1), "most": 10},
            fix={"character_orientation": "video"},
        )


CAPABILITY = Capability(
    id="motion_control",
    title="Motion control",
    group="video",
    makes="video",
    credit_key="kling_motion_control",
    request=MotionControl,
    file_rules=(motion_length,),
)
