"""File names that say what is inside."""

from __future__ import annotations

import re
import time
import unicodedata
from typing import Any

_WORDS, _LENGTH = 4, 40
_SMALL = {"a", "an", "the", "of", "in", "on", "at", "and", "with", "to", "over", "by", "is"}


def speak(job: dict[str, Any], position: int, suffix: str) -> str:
    """`2026-11-22-paper-boat-v2-6-5s.mp4`: the day, the first words of the prompt, model and length."""
    day = time.strftime("%Y-%m-%d", time.localtime(job["created_at"] / 1000))
    prompt = unicodedata.normalize("NFKC", str(job["params"].get("prompt", ""))).lower()
    words = [word for word in re.findall(r"\w+", prompt) if word not in _SMALL and word.isalnum()]
    parts = [
        day,
        "-".join(words[:_WORDS])[:_LENGTH].strip("-") or job["capability"].replace("_", "-"),
    ]
    parts.append(job["model"].removeprefix("kling-"))
    if duration := job["params"].get("duration"):
        parts.append(f"{duration}s")
    parts.append(job["take"].lower())
    if len(job["assets"]) > 1:
        parts.append(str(position + 1))
    return f"{'-'.join(parts)}{suffix}"
