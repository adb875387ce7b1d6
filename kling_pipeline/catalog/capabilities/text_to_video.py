"""A clip from words."""

from __future__ import annotations

from kling_pipeline.catalog.declaration import (
    Camera,
    Capability,
    Guidance,
    Mode,
    ModelName,
    NegativePrompt,
    Prompt,
    Ratio,
    Request,
    Seconds,
    Sound,
)


class TextToVideo(Request):
    """Kling docs, text to video (legacy), Sept 2026."""

    prompt: Prompt
    model_name: ModelName = "kling-v2-6"
    mode: Mode = "std"
    duration: Seconds = "5"
    aspect_ratio: Ratio = "16:9"
    sound: Sound = "off"
    negative_prompt: NegativePrompt = None
    cfg_scale: Guidance = None
    camera_control: Camera = None


CAPABILITY = Capability(
    id="text_to_video",
    title="Text to video",
    group="video",
    makes="video",
    credit_key="kling_t2v",
    request=TextToVideo,
)
