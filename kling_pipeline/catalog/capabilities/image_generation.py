"""A picture from words, or from words and a picture."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from kling_pipeline.catalog.declaration import (
    Capability,
    Look,
    ModelName,
    NegativePrompt,
    OptionalImage,
    Prompt,
    Ratio,
    Request,
    StepResults,
)


class ImageGeneration(Request):
    """Kling docs, image generation, Sept 2026."""

    prompt: Prompt
    image: OptionalImage = None
    image_reference: Annotated[Literal["subject", "face"] | None, Look("choice")] = None
    model_name: ModelName = "kling-v2-1"
    aspect_ratio: Ratio = "16:9"
    resolution: Annotated[Literal["1k", "2k"], Look("choice")] = "1k"
    n: Annotated[int, Field(ge=1, le=9, strict=True), Look("number", advanced=True, step=1)] = 1
    negative_prompt: NegativePrompt = None
    image_fidelity: Annotated[
        float | None, Field(ge=0, le=1), Look("slider", advanced=True, step=0.05)
    ] = None
    human_fidelity: Annotated[
        float | None, Field(ge=0, le=1), Look("slider", advanced=True, step=0.05)
    ] = None


def image_as_reference(fields: dict[str, Any], step_results: StepResults) -> dict[str, Any]:
    """Omni image takes pictures as entries of `image_list` (Kling docs, omni image, Sept 2026)."""
    body = {name: value for name, value in fields.items() if name != "image"}
    if "image" in fields:
        body["image_list"] = [{"image": fields["image"]}]
    return body


CAPABILITY = Capability(
    id="image_generation",
    title="Generate",
    group="image",
    makes="image",
    credit_key="kling_image",
    request=ImageGeneration,
    layouts={"omni-image": image_as_reference},
)
