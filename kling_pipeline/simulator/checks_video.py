"""Rules of text and image to video that span several fields (Kling docs, Mar to Sept 2026)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from kling_pipeline.simulator.ask import Ask, edits_film
from kling_pipeline.simulator.errors import invalid

_WORDED_SHOT = re.compile(r"(?:^|;)\s*shot\s+\d+\s*,\s*(\d+)\s*,([^;]*)", re.IGNORECASE)


def _shots(ask: Ask) -> None:
    body = ask.body
    if "multi_prompt" in body and body.get("shot_type") != "customize":
        raise invalid("multi_prompt is only supported when shot_type is customize")
    if not ask.asks_for("multi_shot"):
        return
    if "shot_type" not in body:
        raise invalid("shot_type is required when multi_shot is true")
    if body["shot_type"] != "customize":
        return
    if "multi_prompt" not in body:
        raise invalid("multi_prompt is required when shot_type is customize")
    shots = body["multi_prompt"]
    if [shot["index"] for shot in shots] != list(range(1, len(shots) + 1)):
        raise invalid("multi_prompt index must start from 1 and be consecutive")
    lengths = [shot["duration"] for shot in shots]
    if not all(length.isdecimal() and int(length) >= 1 for length in lengths):
        raise invalid("multi_prompt duration must be a whole number of seconds, at least 1")
    if sum(map(int, lengths)) != int(ask.seconds):
        raise invalid("The sum of multi_prompt durations must equal duration")


def _prompt_unless_shots(ask: Ask) -> None:
    own_shots = ask.asks_for("multi_shot") and ask.body.get("shot_type") == "customize"
    if "prompt" not in ask.body and not own_shots:
        raise invalid("prompt is required")


def _worded_shots(ask: Ask) -> None:
    """Check `shot n, m, words;` in a prompt (Kling docs, 3.0 family, Sept 2026)."""
    knows = ask.model is not None and ask.model.row.get("worded_shots")
    if not knows or ask.body.get("multi_shot") is False or edits_film(ask.body):
        return
    shots = _WORDED_SHOT.findall(ask.body.get("prompt", ""))
    if len(shots) > 6:
        raise invalid("At most 6 shots are allowed in the prompt.")
    if any(int(seconds) < 1 for seconds, _ in shots):
        raise invalid("A shot must last at least 1 second")
    if any(len(words.strip()) > 512 for _, words in shots):
        raise invalid("A shot must not exceed 512 characters")
    if shots and sum(int(seconds) for seconds, _ in shots) != int(ask.seconds):
        raise invalid("The sum of the shots' seconds must equal duration")


def _camera(ask: Ask) -> None:
    control = ask.body.get("camera_control")
    if control is None:
        return
    allowed = ask.model.row.get("camera_types") if ask.model else None
    if allowed and control["type"] not in allowed:
        raise invalid(
            f"camera_control type '{control['type']}' is not supported by the current model"
        )
    if control["type"] != "simple":
        if "config" in control:
            raise invalid("camera_control config is only supported when type is simple")
        return
    moves = [move for move in control.get("config", {}).values() if move]
    if len(moves) != 1:
        raise invalid("camera_control config must have exactly one non-zero value")


CHECKS: Mapping[str, Callable[[Ask], None]] = {
    "shots": _shots,
    "prompt_unless_shots": _prompt_unless_shots,
    "worded_shots": _worded_shots,
    "camera": _camera,
}
