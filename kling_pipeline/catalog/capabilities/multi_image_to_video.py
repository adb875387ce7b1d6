"""A clip from several pictures, or a transition from one to another.

Kling's own endpoint for it is gone; its successor is omni video with references (Kling docs, index, Sept 2026).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from kling_pipeline.catalog.declaration import (
    Capability,
    Fields,
    Files,
    Finding,
    Media,
    Mode,
    ModelName,
    NegativePrompt,
    OptionalImage,
    Prompt,
    Ratio,
    Request,
    Seconds,
    Sound,
    StepResults,
)

References = Annotated[Files, Media("image", most=7)]


class MultiImageToVideo(Request):
    """Kling docs, omni video (legacy), Sept 2026."""

    image_list: References = ()
    image: OptionalImage = None
    image_tail: OptionalImage = None
    prompt: Prompt
    model_name: ModelName = "kling-video-o1"
    mode: Mode = "std"
    duration: Seconds = "5"
    aspect_ratio: Ratio = "16:9"
    sound: Sound = "off"
    negative_prompt: NegativePrompt = None


def on_omni_video(fields: dict[str, Any], step_results: StepResults) -> dict[str, Any]:
    """References first, so that `<<<image_1>>>` is the first of them; frames after."""
    body = dict(fields)
    entries = [{"image_url": one} for one in body.pop("image_list", None) or []]
    for name, role in (("image", "first_frame"), ("image_tail", "end_frame")):
        if (value := body.pop(name, None)) is not None:
            entries.append({"image_url": value, "type": role})
    return {**body, "image_list": entries}


def brief_body(fields: dict[str, Any], step_results: StepResults) -> dict[str, Any]:
    """Return the old endpoint: up to four pictures, no frames."""
    body = dict(fields)
    return {**body, "image_list": [{"image": one} for one in body.pop("image_list")]}


def picture_counts(
    sent: Fields, facts: Mapping[str, Any], step_results: StepResults
) -> Iterable[Finding]:
    """How many pictures go together (Kling docs, omni video, Sept 2026)."""
    references = sent.get("image_list") or []
    frames = [name for name in ("image", "image_tail") if sent.get(name)]
    if not references and not frames:
        yield Finding("no_picture", "image_list", "Add at least one picture.", severity="error")
    if sent.get("image_tail") and not sent.get("image"):
        yield Finding(
            "tail_alone", "image_tail", "An end frame needs a first frame.", severity="error"
        )
    count = len(references) + len(frames)
    if count > 7:
        message = f"{count} pictures with the frames; Kling takes 7 in all."
        yield Finding(
            "too_many_pictures", "image_list", message, severity="error",
            figures={"count": count, "most": 7},
        )  # fmt: skip
    elif sent.get("image_tail") and count > 2 and sent.get("model_name") == "kling-video-o1":
        message = (
            f"{count} pictures with the frames; kling-video-o1 takes 2 where there is an end frame."
        )
        yield Finding(
            "tail_crowded", "image_tail", message, severity="error",
            figures={"count": count, "most": 2, "model": "kling-video-o1"},
        )  # fmt: skip


CAPABILITY = Capability(
    id="multi_image_to_video",
    title="Multi-image",
    group="video",
    makes="video",
    credit_key="kling_i2v",
    request=MultiImageToVideo,
    layouts={"omni-video": on_omni_video, "multi-image2video": brief_body},
    rules=(picture_counts,),
    numbered=("image_list",),
)
