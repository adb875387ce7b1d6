"""One face into another picture: omni image with a face-reference prompt; Kling has no endpoint of its own for it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from kling_pipeline.catalog.declaration import (
    Capability,
    Image,
    Look,
    ModelName,
    Prompt,
    Ratio,
    Request,
    StepResults,
)

PATTERN = (
    "Keep <<<image_1>>> scene, composition, pose, clothing and lighting unchanged. "
    "Replace ONLY the face with the face of <<<image_2>>>. "
    "Realistic skin, seamless blending, natural lighting, no artifacts."
)


class FaceSwap(Request):
    """Kling docs, omni image, Sept 2026; the pattern is the brief's."""

    image: Image
    face_image: Image
    prompt: Prompt = PATTERN
    model_name: ModelName = "kling-image-o1"
    aspect_ratio: Ratio = "auto"
    resolution: Annotated[Literal["1k", "2k", "4k"], Look("choice")] = "1k"
    n: Annotated[int, Field(ge=1, le=9, strict=True), Look("number", advanced=True, step=1)] = 1


def scene_and_face(fields: dict[str, Any], step_results: StepResults) -> dict[str, Any]:
    """Send the scene as <<<image_1>>> and the face as <<<image_2>>>."""
    scene, face = fields.pop("image"), fields.pop("face_image")
    return {**fields, "image_list": [{"image": scene}, {"image": face}]}


CAPABILITY = Capability(
    id="face_swap",
    title="Face swap",
    group="image",
    makes="image",
    credit_key="kling_face_swap",
    request=FaceSwap,
    layouts={"omni-image": scene_and_face},
    numbered=("image", "face_image"),
)
