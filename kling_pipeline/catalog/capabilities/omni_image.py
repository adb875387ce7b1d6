"""Pictures from words and references, which the prompt names as `<<<image_1>>>`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from kling_pipeline.catalog.declaration import (
    Capability,
    Fields,
    Files,
    Finding,
    Look,
    Media,
    ModelName,
    Prompt,
    Ratio,
    Request,
    StepResults,
    written,
)

References = Annotated[Files, Media("image", most=10)]


class OmniImage(Request):
    """Kling docs, omni image, Sept 2026."""

    image_list: References = ()
    prompt: Prompt
    model_name: ModelName = "kling-image-o1"
    aspect_ratio: Ratio = "auto"
    resolution: Annotated[Literal["1k", "2k", "4k"], Look("choice")] = "1k"
    result_type: Annotated[Literal["single", "series"], Look("choice", advanced=True)] = "single"
    n: Annotated[int, Field(ge=1, le=9, strict=True), Look("number", advanced=True, step=1)] = 1
    series_amount: Annotated[
        Literal["auto", "2", "3", "4", "5", "6", "7", "8", "9"] | None,
        BeforeValidator(written),
        Look("choice", advanced=True),
    ] = None


def wrapped(fields: dict[str, Any], step_results: StepResults) -> dict[str, Any]:
    """Return each reference in an object of its own; a number of pictures in a series as a number."""
    body = dict(fields)
    if pictures := body.pop("image_list", None):
        body["image_list"] = [{"image": one} for one in pictures]
    amount = body.get("series_amount")
    if amount is not None and amount != "auto":
        body["series_amount"] = int(amount)
    if body.get("result_type") == "series":
        body.pop("n", None)
    return body


def ratio_of_words(
    sent: Fields, facts: Mapping[str, Any], step_results: StepResults
) -> Iterable[Finding]:
    """From words alone kling-v3-omni has no ratio `auto` (Kling docs, omni image, Sept 2026)."""
    if sent.get("aspect_ratio") == "auto" and not sent.get("image_list"):
        model = sent.get("model_name")
        if model == "kling-v3-omni":
            yield Finding(
                "ratio_auto",
                "aspect_ratio",
                f"{model} takes the ratio from a reference; without one, choose a ratio.",
                severity="error",
                figures={"model": model},
                fix={"aspect_ratio": "16:9"},
            )


CAPABILITY = Capability(
    id="omni_image",
    title="Omni image",
    group="image",
    makes="image",
    credit_key="dalle3",  # the brief's label
    request=OmniImage,
    layouts={"omni-image": wrapped},
    rules=(ratio_of_words,),
    numbered=("image_list",),
)
