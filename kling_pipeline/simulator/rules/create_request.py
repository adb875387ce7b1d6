"""A create request whose fields have been checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kling_pipeline.simulator.rules.fields import MediaField
from kling_pipeline.simulator.rules.loader import Endpoint, Model


def edits_video(body: Mapping[str, Any]) -> bool:
    """Tell whether a body, checked or not, edits its video: an omni video that is no feature."""
    videos = body.get("video_list")
    first = videos[0] if isinstance(videos, list) and videos else None
    return isinstance(first, dict) and first.get("refer_type") in (None, "", "base")


@dataclass(frozen=True)
class CreateRequest:
    """One create request; its body holds only the known fields that are given.

    `mode` is the quality asked for (std, pro, 4k; 1k, 2k, 4k for images), "" where the endpoint
    has none. `seconds` is the duration asked for, "" where the inputs decide on it.
    """

    endpoint: Endpoint
    model: Model | None
    body: Mapping[str, Any]
    media_fields: tuple[MediaField, ...]
    mode: str
    seconds: str

    def is_on(self, name: str) -> bool:
        """Tell whether a field is given and is not false, "off" or "no"."""
        value = self.body.get(name)
        # By identity: a cfg_scale of 0 is a value, not an absence.
        return value is not None and value is not False and value not in ("off", "no")

    @property
    def combination(self) -> str:
        """Join model, mode and seconds by slashes, as the vendor's error messages do."""
        name = self.model.name if self.model else self.endpoint.family
        return "/".join(part for part in (name, self.mode, self.seconds) if part)

    @property
    def image_count(self) -> int:
        """Count the images it makes: `n`, or the amount of a series; 1 for video and sound."""
        if self.endpoint.makes != "image":
            return 1
        if self.body.get("result_type") == "series":
            amount = self.body.get("series_amount", 4)
            # The vendor decides how many images "auto" gives; here it is always four.
            return 4 if amount == "auto" else int(amount)
        return int(self.endpoint.row.get("pictures", self.body.get("n", 1)))

    @property
    def external_id(self) -> str:
        """The id that the client chose for the task, "" for none."""
        return str(self.body.get("external_task_id", ""))

    @property
    def prompt_text(self) -> str:
        """Join all text that describes the content: the prompt and the prompts of the shots."""
        shots = [str(shot["prompt"]) for shot in self.body.get("multi_prompt", [])]
        given = {**self.body, **self.body.get("input", {})}
        fields = ("prompt", "text", "sound_effect_prompt", "bgm_prompt", "effect_scene")
        return " ".join([str(given[name]) for name in fields if name in given] + shots)
