"""A create request, as the rules of its endpoint and model see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kling_pipeline.simulator.body import Enclosure
from kling_pipeline.simulator.rulebook import Endpoint, Model


def edits_film(body: Mapping[str, Any]) -> bool:
    """Say whether a body, checked or not, has a film to edit, which is what an omni video is for."""
    videos = body.get("video_list")
    first = videos[0] if isinstance(videos, list) and videos else None
    return isinstance(first, dict) and first.get("refer_type") in (None, "", "base")


@dataclass(frozen=True)
class Ask:
    """One create: its endpoint, its model, and its body with only the known, filled fields.

    `mode` is the quality asked for (std, pro, 4k; 1k, 2k, 4k for pictures), "" where the endpoint
    has none. `seconds` is the duration asked for, "" where the result takes its length from the
    inputs.
    """

    endpoint: Endpoint
    model: Model | None
    body: Mapping[str, Any]
    enclosures: tuple[Enclosure, ...]
    mode: str
    seconds: str

    def asks_for(self, name: str) -> bool:
        """Say whether a field is given and switches something on."""
        value = self.body.get(name)
        # By identity: a cfg_scale of 0 is a value, not an absence.
        return value is not None and value is not False and value not in ("off", "no")

    @property
    def combination(self) -> str:
        """Model, mode and seconds as the vendor words a combination in its refusals."""
        name = self.model.name if self.model else self.endpoint.family
        return "/".join(part for part in (name, self.mode, self.seconds) if part)

    @property
    def pictures(self) -> int:
        """How many pictures it makes: `n`, or the amount of a series; 1 for video and sound."""
        if self.endpoint.makes != "image":
            return 1
        if self.body.get("result_type") == "series":
            amount = self.body.get("series_amount", 4)
            # The vendor decides how many pictures "auto" gives; here it is always four.
            return 4 if amount == "auto" else int(amount)
        return int(self.endpoint.row.get("pictures", self.body.get("n", 1)))

    @property
    def external_id(self) -> str:
        """The caller's own id of the task, "" for none."""
        return str(self.body.get("external_task_id", ""))

    @property
    def words(self) -> str:
        """All text that decides the content: the prompt and the prompts of the shots."""
        shots = [str(shot["prompt"]) for shot in self.body.get("multi_prompt", [])]
        given = {**self.body, **self.body.get("input", {})}
        fields = ("prompt", "text", "sound_effect_prompt", "bgm_prompt", "effect_scene")
        return " ".join([str(given[name]) for name in fields if name in given] + shots)
