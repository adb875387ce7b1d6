"""How a prompt names its pictures: `<<<image_1>>>` (Kling docs, omni image and omni video, Sept 2026)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from kling_pipeline.catalog.declaration import Finding
from kling_pipeline.lint.subject import Subject

# Every part is bounded, so that a prompt of nothing but brackets costs no more than any other.
_MARK = re.compile(r"(<{1,5})\s{0,2}([A-Za-z]{1,16})[\s_-]{0,2}(\d{0,4})\s{0,2}(>{1,5})")
_KINDS = {
    **dict.fromkeys(("image", "images", "img", "picture", "pic", "photo", "object"), "image"),
    **dict.fromkeys(("video", "clip", "film"), "video"),
    **dict.fromkeys(("element", "voice"), ""),  # Kling has these; nothing here sends them
}


class Mention(NamedTuple):
    """One mark in a prompt, as it stands there and as it should."""

    text: str
    kind: str
    number: int

    @property
    def proper(self) -> str:
        """The mark as Kling reads it."""
        return f"<<<{self.kind}_{self.number}>>>"


def read_mentions(prompt: str) -> list[Mention]:
    """Return every mark of a prompt, misspelt ones included: `<<image_1>>`, `<<<object_1>>>`, `<image 1>`."""
    found = []
    for match in _MARK.finditer(prompt):
        left, name, digits, right = match.groups()
        kind = _KINDS.get(name.lower())
        plain = (
            min(len(left), len(right)) < 2
        )  # one bracket is a mark only with a name and a number
        if (kind is None or plain) and not (digits and (kind is not None) is plain):
            continue
        found.append(Mention(match[0], "image" if kind is None else kind, int(digits or 1)))
    return found


def without_marks(prompt: str) -> str:
    """Return the prompt without its `<<<…>>>` marks."""
    return _MARK.sub(" ", prompt)


def mark_missing(subject: Subject) -> Iterable[Finding]:
    """A mark of a file that is not there: Kling refuses it, or reads it as words."""
    count = len(subject.files("image"))
    missing = [one for one in read_mentions(subject.prompt) if not _is_there(subject, one)]
    if not missing:
        return
    first, prompt = missing[0], subject.prompt
    for one in missing:
        prompt = prompt.replace(one.text, "")
    prompt = re.sub(r" {2,}", " ", prompt).strip()
    fix = {"prompt": prompt} if prompt else {}
    figures = {"mark": first.text, "number": first.number, "count": count}
    if first.kind == "image":
        message = f"The prompt names image {first.number}; there are {count}."
        yield Finding("mark_missing", "prompt", message, "error", figures, fix)
    else:
        message = f"The prompt names {first.text}; nothing here bears that name."
        yield Finding("mark_unknown", "prompt", message, "error", figures, fix)


def mark_misspelt(subject: Subject) -> Iterable[Finding]:
    """A mark that Kling reads as words: two brackets, another name, a space."""
    mentions = [one for one in read_mentions(subject.prompt) if _is_there(subject, one)]
    wrong = [one for one in mentions if one.text != one.proper]
    if not wrong:
        return
    prompt = _MARK.sub(lambda match: _mended(subject, match[0]), subject.prompt)
    message = f"{wrong[0].text} is read as words; the mark is {wrong[0].proper}."
    figures = {"mark": wrong[0].text, "proper": wrong[0].proper}
    yield Finding("mark_misspelt", "prompt", message, "warning", figures, {"prompt": prompt})


def picture_unmentioned(subject: Subject) -> Iterable[Finding]:
    """A picture that the prompt leaves to chance, though it names others or has several."""
    count = len(subject.files("image", named=True))
    mentions = read_mentions(subject.prompt)
    if not subject.prompt or (count < 2 and not mentions):
        return
    named = {one.number for one in mentions if one.kind == "image"}
    left = [number for number in range(1, count + 1) if number not in named]
    if not left:
        return
    numbers, marks = ", ".join(map(str, left)), " ".join(f"<<<image_{one}>>>" for one in left)
    message = (
        f"The prompt never names image {numbers} of {count}; what it is for is left to chance."
    )
    yield Finding(
        "picture_unmentioned", "prompt", message, "warning",
        {"numbers": numbers, "count": count, "marks": marks}, subject.adding(marks),
    )  # fmt: skip


def _is_there(subject: Subject, one: Mention) -> bool:
    if one.kind not in ("image", "video"):
        return False
    return 1 <= one.number <= len(subject.files("image" if one.kind == "image" else "video"))


def _mended(subject: Subject, text: str) -> str:
    mentions = read_mentions(text)
    return mentions[0].proper if mentions and _is_there(subject, mentions[0]) else text
