"""What a prompt says, in words; every check reads it once."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kling_pipeline.catalog.declaration import Finding
from kling_pipeline.lint.marks import read_mentions, without_marks
from kling_pipeline.lint.phrases import Phrases
from kling_pipeline.lint.subject import Subject

ANCHORS = "Realistic, no artifacts, seamless blending, natural lighting."
NEGATIVE = "blurry, distorted, low quality, deformed"

_FOREIGN_SHARE = 0.3
_TELLING_WORDS = 4
_QUOTED_LETTERS = 8  # of a script without spaces, where a sign is about half a word
_ENGLISH = {
    "the", "a", "an", "of", "and", "with", "in", "on", "at", "is", "are", "to", "from", "by",
    "into", "her", "his", "its", "as", "for",
}  # fmt: skip
_OTHERS = {
    "der", "das", "und", "mit", "eine", "einen", "auf", "ist", "nicht", "les", "une", "des",
    "dans", "avec", "est", "sur", "qui", "el", "los", "las", "una", "del", "por", "che", "gli",
    "della", "nel", "sono", "uma", "com", "não",
}  # fmt: skip
_VAGUE = {
    "beautiful", "nice", "good", "great", "cool", "amazing", "awesome", "best", "better",
    "high", "quality", "video", "image", "picture", "clip", "photo", "scene", "shot",
    "something", "thing", "things", "make", "create", "generate", "show", "very", "some",
    "really", "please", "style", "face", "replace", "keep", "change", "swap",
}  # fmt: skip
_REAL = ("realistic", "photorealistic", "realism", "lifelike", "seamless", "natural lighting")
_FLAWS = ("artifacts", "artifact", "artefacts", "artefact")
_STYLES = (
    "anime", "cartoon", "watercolor", "watercolour", "illustration", "sketch", "painting",
    "drawing", "comic", "pixel art", "lego", "claymation", "ukiyo e", "line art",
)  # fmt: skip
_HEARD = (
    "music", "song", "sing", "sings", "singing", "voiceover", "voice over", "voice says",
    "says", "whispers", "dialogue", "narrator", "narration", "soundtrack", "sound of",
    "sounds of", "audio", "humming",
)  # fmt: skip
_HEARD_ZH = ("音乐", "歌声", "唱歌", "配音", "旁白", "对白", "声音")


def not_english(subject: Subject) -> Iterable[Finding]:
    """The brief: English prompts give better results; told by script, and by small words of other languages."""
    letters = [one for one in without_marks(subject.prompt) if one.isalpha()]
    foreign = sum(not _is_latin(one) for one in letters)
    words = re.findall(r"\w+", subject.prompt.lower())
    others, english = (sum(word in language for word in words) for language in (_OTHERS, _ENGLISH))
    if foreign > _FOREIGN_SHARE * len(letters) or (others >= 2 and others > english):
        message = "The prompt is not in English; Kling follows English more closely."
        yield Finding("not_english", "prompt", message, "hint")


def generic_prompt(subject: Subject) -> Iterable[Finding]:
    """The brief: specific, not generic. An edit says what to change, and that can be short."""
    if not subject.prompt or subject.capability.group == "edit":
        return
    words = set(re.findall(r"[^\W\d_]+", subject.prompt.lower())) - _ENGLISH - _VAGUE
    signs = sum(not _is_latin(one) for one in subject.prompt if one.isalpha())
    telling = len(words) + len(read_mentions(subject.prompt))
    if telling < _TELLING_WORDS and signs < _QUOTED_LETTERS:
        message = (
            "The prompt says little. Say who, where, how the camera moves, what the light does."
        )
        yield Finding("generic_prompt", "prompt", message, "hint", {"words": telling})


def no_anchors(subject: Subject) -> Iterable[Finding]:
    """The brief: a picture from pictures wants to be told to stay real; a drawn one does not."""
    phrases = Phrases(subject.prompt)
    # "No artifacts" is how the anchor reads, so here a "no" takes nothing away.
    real = phrases.contains(_REAL) or phrases.holds(_FLAWS)
    if subject.capability.makes != "image" or not subject.files("image"):
        return
    if not real and not phrases.contains(_STYLES):
        message = "Nothing tells Kling to keep the picture real."
        yield Finding(
            "no_anchors", "prompt", message, "hint", {"words": ANCHORS}, subject.adding(ANCHORS)
        )


def no_negative(subject: Subject) -> Iterable[Finding]:
    """The brief: a negative prompt for video, where the model takes one."""
    limit = subject.model.limits.get("negative_prompt")
    if subject.capability.makes != "video" or limit is None or subject.sent.get("negative_prompt"):
        return
    if limit.obstacle(subject.sent) is None:
        message = "There is no negative prompt; clips come out cleaner with one."
        fix = {"negative_prompt": NEGATIVE}
        yield Finding("no_negative", "negative_prompt", message, "hint", {"words": NEGATIVE}, fix)


def sound_is_off(subject: Subject) -> Iterable[Finding]:
    """The prompt wishes for something to hear, and the model could, but sound is off."""
    sound, sent = subject.model.limits.get("sound"), subject.sent
    if sound is None or subject.given.get("sound") == "on":
        return
    heard = Phrases(subject.prompt).first(_HEARD)
    heard = heard or next((one for one in _HEARD_ZH if one in subject.prompt), "")
    silent = any(
        name in sent and "on" not in limit.needs.get("sound", ("on",))
        for name, limit in subject.model.limits.items()
    )
    if heard and not silent and "on" in sound.values:
        needs = {
            name: allowed[0]
            for name, allowed in sound.needs.items()
            if sent.get(name) not in allowed
        }
        message = f'The prompt asks for "{heard}", and sound is off.'
        yield Finding(
            "sound_is_off", "sound", message, "hint", {"heard": heard}, {"sound": "on", **needs}
        )


def _is_latin(letter: str) -> bool:
    return letter < "\u0250" or "\u1e00" <= letter <= "\u1eff"
