"""Files: what comes in is measured and checked, what Kling sends is verified, both are stored."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kling_pipeline import clips, pictures
from kling_pipeline.capability import Kind, Media
from kling_pipeline.errors import InputError, ResultError
from kling_pipeline.formats import HEAD, Format, Unreadable, sniff

__all__ = [
    "Facts",
    "check_rule",
    "decode_base64",
    "inspect_upload",
    "make_poster",
    "store_file",
    "verify_result",
]

MB = 1024 * 1024
# The most that any field takes (Kling docs, Sept 2026: legacy pictures, reference video, sound).
CAPS: dict[Kind, int] = {"image": 10 * MB, "video": 200 * MB, "audio": 5 * MB}
_TAKES: dict[Kind, str] = {
    "image": "Kling takes JPG and PNG pictures",
    "video": "Kling takes MP4 and MOV video",
    "audio": "Kling takes MP3, WAV, M4A and AAC sound",
}
_A: dict[Kind, str] = {"image": "a picture", "video": "a video", "audio": "a sound"}


@dataclass(frozen=True)
class Facts:
    """What was measured of a file: px as shown, seconds, frames a second, bytes."""

    kind: Kind
    mime: str
    suffix: str
    width: int | None
    height: int | None
    duration: float | None
    fps: float | None
    bytes: int
    sha256: str


def inspect_upload(data: bytes | Path, *, cap: int | None = None) -> Facts:
    """Measures a file that a person gives; `cap` in bytes stands in place of its kind's own.

    InputError: `not_media`, `unsupported_type`, `file_too_large`, `file_cut`, `image_too_large`
    (over 40 megapixels), `video_too_large`.
    """
    with _opened(data) as file:
        size, format = _first_look(file)
        if format is None or format.kind is None:
            said = f"a {format.name}" if format else "of no known kind" if size else "empty"
            raise InputError(
                f"This file is {said}; a picture, a video or a sound is needed.", code="not_media"
            )
        if not format.taken:
            raise InputError(
                f"This is a {format.name}; {_TAKES[format.kind]}. Save it as one of these.",
                code="unsupported_type",
            )
        most = cap or CAPS[format.kind]
        if size > most:
            raise InputError(f"{_megabytes(size, most)}.", code="file_too_large")
        try:
            return _facts(file, size, format)
        except Unreadable as error:
            raise InputError(error.sentence, code=error.code) from None


def check_rule(facts: Facts, media: Media, field: str) -> None:
    """Whether a file suits a field; InputError at the field with what was measured and the rule.

    Codes: `wrong_kind`, `file_too_large`, `image_too_small`, `image_too_long`,
    `side_too_long`, `wrong_length`.
    """
    if facts.kind != media.kind:
        said = f"This is {_A[facts.kind]}; {_A[media.kind]} is needed here."
        raise InputError.at(field, said, code="wrong_kind")
    if facts.bytes > media.cap:
        said = f"{_megabytes(facts.bytes, media.cap)}."
        raise InputError.at(field, said, code="file_too_large")
    if media.seconds and facts.duration is not None:
        least, most = media.seconds
        # A container says 5.04 for five seconds: half a tenth is not a breach.
        if not least - 0.05 <= facts.duration <= most + 0.05:
            said = f"{facts.duration:.1f} s; {least:g} to {most:g} s are taken here."
            raise InputError.at(field, said, code="wrong_length")
    if not facts.width or not facts.height:
        return
    size = f"{facts.width} x {facts.height} px"
    if min(facts.width, facts.height) < media.side:
        said = f"{size}; each side needs at least {media.side} px."
        raise InputError.at(field, said, code="image_too_small")
    if max(facts.width, facts.height) > media.longest:
        said = f"{size}; each side at most {media.longest} px."
        raise InputError.at(field, said, code="side_too_long")
    longer, shorter = max(facts.width, facts.height), min(facts.width, facts.height)
    if longer > media.ratio * shorter:
        said = f"{size} is {longer / shorter:.2f} to 1; at most {media.ratio:g} to 1."
        raise InputError.at(field, said, code="image_too_long")


def decode_base64(text: str) -> bytes | None:
    """The bytes of raw Base64 as Kling takes it; None when it is something else.

    InputError `data_prefix` for a data: address: Kling wants what follows its comma.
    """
    if text.lstrip()[:5].lower() == "data:":
        raise InputError(
            "Leave the data:…;base64, prefix away: only the Base64 itself is taken.",
            code="data_prefix",
        )
    try:
        return base64.b64decode(text, validate=True) or None
    except (binascii.Error, ValueError):
        return None


def verify_result(path: Path, kind: Kind, *, unread: bool = False) -> Facts:
    """Measures a file that Kling sent; its size and length may be other than was asked for.

    ResultError `result_wrong_kind` when it is not the kind of file, `result_cut` when it is empty,
    `result_unreadable` when it cannot be read; with `unread` it is taken all the same, unmeasured.
    """
    with _opened(path) as file:
        size, format = _first_look(file)
        if format is None or format.kind != kind or not format.mime:
            said = format.name if format else "file of no known kind" if size else "empty file"
            code = "result_wrong_kind" if size else "result_cut"
            raise ResultError(f"Kling sent a {said} in place of {_A[kind]}.", code=code)
        try:
            facts = _facts(file, size, format)
        except Unreadable as error:
            if not unread:
                raise ResultError(error.sentence, code="result_unreadable") from None
            return Facts(
                kind, format.mime, format.suffix, None, None, None, None, size, _digest(file)
            )
    if facts.kind != kind:
        raise ResultError(f"Kling sent {_A[facts.kind]}, not {_A[kind]}.", code="result_wrong_kind")
    return facts


def make_poster(path: Path, kind: Kind, target: Path, side: int = 512) -> bool:
    """Writes a JPG to show for a file, its longer side at most `side` px; False when there is none."""
    part = target.with_name(f".{target.name}.part")
    try:
        if kind == "image":
            pictures.thumbnail(path, part, side)
        elif kind != "video" or not clips.poster(path, part, side):
            return False
        part.chmod(0o600)
        part.replace(target)
        return True
    except Exception:  # a poster is a courtesy: nothing that a file does may stop its job
        return False
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def store_file(part: Path, folder: Path, sha256: str, suffix: str) -> Path:
    """Moves a part file to `folder/ab/abcdef….mp4`, synced, mode 0600; both on one file system."""
    if not re.fullmatch(r"[0-9a-f]{64}", sha256) or not re.fullmatch(r"\.[a-z0-9]{1,5}", suffix):
        raise ValueError("a stored file is named by its sha256 and a plain suffix")
    home = folder / sha256[:2]
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = home / f"{sha256}{suffix}"
    part.chmod(0o600)
    _sync(part)
    part.replace(target)
    _sync(home)
    _sync(folder)
    return target


def _facts(file: BinaryIO, size: int, format: Format) -> Facts:
    width: int | None
    height: int | None
    duration = fps = None
    kind, mime, suffix = format.kind, format.mime, format.suffix
    if kind == "image":
        width, height = pictures.measure(file, format.name)
    else:
        clip = clips.measure(file, format)
        width, height, duration, fps = clip.width, clip.height, clip.duration, clip.fps
        if kind == "video" and width is None:
            kind, mime, suffix = "audio", "audio/mp4", ".m4a"
    assert kind is not None
    return Facts(kind, mime, suffix, width, height, duration, fps, size, _digest(file))


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(MB):
        digest.update(chunk)
    return digest.hexdigest()


def _first_look(file: BinaryIO) -> tuple[int, Format | None]:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return size, sniff(file.read(HEAD))


@contextlib.contextmanager
def _opened(data: bytes | Path) -> Iterator[BinaryIO]:
    if isinstance(data, bytes):
        yield io.BytesIO(data)
    else:
        with data.open("rb") as file:
            yield file


def _megabytes(size: int, most: int) -> str:
    return f"{size / MB:.1f} MB; at most {most / MB:g} MB"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
