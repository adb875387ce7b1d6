"""A text that is to be spoken: its language, its length, its voice."""

from __future__ import annotations

from collections.abc import Iterable

from kling_pipeline.catalog.declaration import Finding
from kling_pipeline.catalog.voices import LETTERS_A_SECOND, read_voices, voices_of
from kling_pipeline.lint.subject import Subject

_LEAST = 2.0  # seconds of sound (Kling docs, lip sync, Sept 2026)
_SLOWEST = 0.8


def voice_fits(subject: Subject) -> Iterable[Finding]:
    """Kling answers "Voice id not found" to a voice that does not speak the language (seen live, 2026-09-20)."""
    text, language, voice_id = _spoken(subject)
    if not text or not voice_id:
        return
    voice = read_voices().get(voice_id)
    if voice and language in voice.languages:
        return
    other = next(iter(voice.languages), "") if voice else ""
    fix = {"voice_language": other} if voice and other == _language(text) else {}
    fix = fix or {"voice_id": voices_of(language)[0].id}
    if voice is None:
        message = f"There is no voice {voice_id!r}."
        yield Finding("voice_unknown", "voice_id", message, "error", {"voice": voice_id}, fix)
    else:
        name = voice.name(other)
        message = f"The voice {name} does not speak {language!r}."
        figures = {"voice": name, "language": language}
        yield Finding("voice_language", "voice_id", message, "error", figures, fix)


def text_language(subject: Subject) -> Iterable[Finding]:
    """A text in another language than the one it is spoken in comes out as noise."""
    text, language, voice_id = _spoken(subject)
    written = _language(text)
    if not written or written == language:
        return
    voice = read_voices().get(voice_id)
    fix = {"voice_language": written}
    if voice is None or written not in voice.languages:
        fix["voice_id"] = voices_of(written)[0].id
    message = f"The text is {written!r}, and it is to be spoken as {language!r}."
    figures = {"language": language, "written": written}
    yield Finding("text_language", "voice_language", message, "warning", figures, fix)


def text_short(subject: Subject) -> Iterable[Finding]:
    """Kling takes two seconds of sound at least; what a text gives is known once it was spoken."""
    text, language, _ = _spoken(subject)
    if not text or subject.step_results.get("tts", {}).get("asked", {}).get("text") == text:
        return
    pace, speed = LETTERS_A_SECOND[language], float(subject.sent.get("voice_speed") or 1)
    seconds = len(text) / pace / speed
    if seconds >= _LEAST:
        return
    helps = speed > _SLOWEST and len(text) / pace / _SLOWEST >= _LEAST
    message = f"The text is spoken in about {seconds:.1f} s; Kling takes {_LEAST:g} s at least."
    fix = {"voice_speed": _SLOWEST} if helps else {}
    yield Finding("text_short", "text", message, "warning", {"seconds": round(seconds, 1)}, fix)


def _spoken(subject: Subject) -> tuple[str, str, str]:
    """Return the text, the language it is spoken in, the voice."""
    sent = subject.sent
    return (
        str(sent.get("text") or "").strip(),
        str(sent.get("voice_language") or "en"),
        str(sent.get("voice_id") or ""),
    )


def _language(text: str) -> str:
    """ "zh" or "en" by its letters, "" when it could be either."""
    letters = [one for one in text if one.isalpha()]
    signs = sum("\u3400" <= one <= "\u9fff" for one in letters)
    latin = sum(one < "\u0250" for one in letters)
    # A sign is about three letters' worth of speech.
    if signs * 3 == latin:
        return ""
    return "zh" if signs * 3 > latin else "en"
