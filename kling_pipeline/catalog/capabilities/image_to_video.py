"""A clip that begins on a still, and may end on another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kling_pipeline.catalog.declaration import (
    Capability,
    Fields,
    Finding,
    FoldedImage,
    Guidance,
    Image,
    Mode,
    ModelName,
    NegativePrompt,
    OptionalImage,
    Prompt,
    Request,
    Seconds,
    SimpleCamera,
    Sound,
    StepResults,
)


class ImageToVideo(Request):
    """Kling docs, image to video (legacy), Sept 2026; the clip takes the ratio of the image."""

    image: Image
    image_tail: OptionalImage = None
    prompt: Prompt
    model_name: ModelName = "kling-v2-6"
    mode: Mode = "std"
    duration: Seconds = "5"
    sound: Sound = "off"
    negative_prompt: NegativePrompt = None
    cfg_scale: Guidance = None
    camera_control: SimpleCamera = None
    static_mask: FoldedImage = None


def frames_as_references(fields: dict[str, Any], step_results: StepResults) -> dict[str, Any]:
    """Omni video takes frames as entries of `image_list` (Kling docs, omni video, Sept 2026)."""
    body = {name: value for name, value in fields.items() if name not in ("image", "image_tail")}
    body["image_list"] = [
        {"image_url": fields[name], "type": role}
        for name, role in (("image", "first_frame"), ("image_tail", "end_frame"))
        if name in fields
    ]
    return body


def mask_fits(
    sent: Fields, facts: Mapping[str, Any], step_results: StepResults
) -> Iterable[Finding]:
    """A mask has the ratio of the image it lies on (Kling docs, image to video, Sept 2026)."""
    image, mask = facts.get("image"), facts.get("static_mask")
    if "static_mask" not in sent or not image or not mask:
        return
    if abs(image.width * mask.height / (image.height * mask.width) - 1) > 0.01:
        sizes = {
            "image": f"{image.width} x {image.height}",
            "mask": f"{mask.width} x {mask.height}",
        }
        message = (
            f"The mask is {sizes['mask']} px, the image {sizes['image']}: their ratios differ."
        )
        yield Finding("mask_ratio", "static_mask", message, severity="error", figures=sizes)


CAPABILITY = Capability(
    id="image_to_video",
    title="Image to video",
    group="video",
    makes="video",
    credit_key="kling_i2v",
    request=ImageToVideo,
    layouts={"omni-video": frames_as_references},
    file_rules=(mask_fits,),
)
