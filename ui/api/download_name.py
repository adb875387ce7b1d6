"""The file name of a download."""

from __future__ import annotations

import re
import time
import unicodedata
from typing import Any

_MAX_WORDS, _MAX_LENGTH = 4, 40
_STOP_WORDS = {"a", "an", "the", "of", "in", "on", "at", "and", "with", "to", "over", "by", "is"}


def make_download_name(job: dict[str, Any], position: int, suffix: str) -> str:
    """Return a name such as `2026-11-22-paper-boat-v2-6-5s-14a.mp4`; position counts a job's files from 0.

    It holds the day, the first words of the prompt, the model, the length and the take.
    """
    day = time.strftime("%Y-%m-%d", time.localtime(job["created_at"] / 1000))
    prompt = unicodedata.normalize("NFKC", str(job["params"].get("prompt", ""))).lower()
    words = [
        word for word in re.findall(r"\w+", prompt) if word not in _STOP_WORDS and word.isalnum()
    ]
    parts = [
        day,
        "-".join(words[:_MAX_WORDS])[:_MAX_LENGTH].strip("-")
        or job["capability"].replace("_", "-"),
    ]
    parts.append(job["model"].removeprefix("kling-"))
    if duration := job["params"].get("duration"):
        parts.append(f"{duration}s")
    parts.append(job["take"].lower())
    if len(job["assets"]) > 1:
        parts.append(str(position + 1))
    return f"{'-'.join(parts)}{suffix}"
