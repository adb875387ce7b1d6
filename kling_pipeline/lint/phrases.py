"""Words and phrases of a prompt, and the camera moves among them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kling_pipeline.catalog.declaration import Finding
from kling_pipeline.lint.subject import Subject

_NOT = frozenset(
    ("no", "not", "without", "never", "avoid", "t")
)  # a "t" is what is left of "don't"
_IN_TURN = ("then", "afterwards", "finally", "later", "until", "before", "after", "followed by")
_STEMS = {
    "zooms": "zoom", "zooming": "zoom", "pans": "pan", "panning": "pan", "tilts": "tilt",
    "tilting": "tilt", "pushes": "push", "pushing": "push", "pulls": "pull", "pulling": "pull",
    "dollies": "dolly", "dollying": "dolly", "orbits": "orbit", "orbiting": "orbit",
}  # fmt: skip
_STILL = (
    "static camera", "static shot", "fixed camera", "fixed shot", "locked off", "locked camera",
    "tripod shot", "still camera", "stationary camera", "camera stays still", "camera is static",
    "camera is still", "camera does not move",
)  # fmt: skip
_MOVING = (
    "zoom in", "zoom out", "push in", "pull out", "pull back", "dolly in", "dolly out", "pan left",
    "pan right", "tilt up", "tilt down", "tracking shot", "camera follows", "camera orbit",
    "orbit shot", "crane shot", "handheld",
)  # fmt: skip
_OPPOSITES = (
    (("zoom in", "push in", "dolly in"), ("zoom out", "pull out", "pull back", "dolly out")),
    (("pan left",), ("pan right",)),
    (("tilt up",), ("tilt down",)),
    (_STILL, _MOVING),
)


class Phrases:
    """The words of a prompt as one line of plain words; a phrase behind a "no" is not said."""

    def __init__(self, prompt: str) -> None:
        words = re.findall(r"[a-z]+", prompt.lower())
        self._line = f" {' '.join(_STEMS.get(word, word) for word in words)} "

    def first(self, phrases: Iterable[str]) -> str:
        """Return the first of these phrases that is said, or ""."""
        for phrase in phrases:
            before = self._line.split(f" {phrase} ")[:-1]
            if any(part.rsplit(" ", 1)[-1] not in _NOT for part in before):
                return phrase
        return ""

    def contains(self, phrases: Iterable[str]) -> bool:
        """Return whether one of these phrases is said."""
        return bool(self.first(phrases))

    def holds(self, phrases: Iterable[str]) -> bool:
        """Return whether one of these phrases stands there, denied or not."""
        return any(f" {phrase} " in self._line for phrase in phrases)


def camera_contradicts(subject: Subject) -> Iterable[Finding]:
    """Two camera moves that cannot be had at once; one after the other they can."""
    phrases = Phrases(subject.prompt)
    if subject.capability.makes != "video" or phrases.holds(_IN_TURN):
        return
    for some, others in _OPPOSITES:
        one, other = phrases.first(some), phrases.first(others)
        if one and other:
            message = f'"{one}" and "{other}" cannot both be done; say which, or which comes first.'
            figures = {"one": one, "another": other}
            yield Finding("camera_contradicts", "prompt", message, "hint", figures)
            return
