"""What to say before money is spent: each rule a small function with an id, a reason and, where possible, a fix.

error    it would fail or be wrong at Kling, so it is not sold
warning  it is not sent, or hardly what was meant
hint     it could be better or cheaper
"""

from __future__ import annotations

from kling_pipeline.catalog.declaration import Finding
from kling_pipeline.lint import files, marks, money, phrases, prompt, speech
from kling_pipeline.lint.subject import Check, Subject

__all__ = ["RULES", "Subject", "lint"]

RULES: tuple[Check, ...] = (
    marks.mark_missing,
    marks.mark_misspelt,
    marks.picture_unmentioned,
    speech.voice_fits,
    speech.text_language,
    speech.text_short,
    files.frame_rate,
    files.length_unknown,
    money.duplicate,
    money.pictures_multiply,
    money.model_at_risk,
    files.ratio_differs,
    files.frames_differ,
    files.image_small,
    prompt.sound_is_off,
    phrases.camera_contradicts,
    prompt.not_english,
    prompt.generic_prompt,
    prompt.no_anchors,
    prompt.no_negative,
    files.not_checked,
)

_GRAVITY = {"error": 0, "warning": 1, "hint": 2}


def lint(subject: Subject) -> list[Finding]:
    """Return every finding, the gravest first, else in the order of the rules."""
    found = [finding for rule in RULES for finding in rule(subject)]
    return sorted(found, key=lambda finding: _GRAVITY[finding.severity])
