"""The voices that can speak a text, as rows of `data/voices.toml`."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kling_pipeline.settings import ROOT

LETTERS_A_SECOND = {"en": 14, "zh": 4}  # measured at a speed of 1


@dataclass(frozen=True)
class Voice:
    """One voice: the languages it speaks, and the vendor's name for it in each."""

    id: str
    languages: tuple[str, ...]
    names: Mapping[str, str]

    def name(self, language: str) -> str:
        """Its name among the voices of a language; one that it does not speak gets its first."""
        return self.names.get(language) or next(iter(self.names.values()))


@functools.cache
def read_voices(path: Path = ROOT / "data" / "voices.toml") -> dict[str, Voice]:
    """Return every voice by id, in the order of the file (Kling docs, text to speech, Sept 2026)."""
    rows = tomllib.loads(path.read_text("utf-8"))["voice"]
    return {row["id"]: Voice(row["id"], tuple(row["languages"]), row["names"]) for row in rows}


def voices_of(language: str) -> list[Voice]:
    """Return the voices that speak a language, the default first."""
    return [voice for voice in read_voices().values() if language in voice.languages]
