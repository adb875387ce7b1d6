"""Files: what comes in is measured and checked, what Kling sends is verified, both are stored."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kling_pipeline.catalog.declaration import Kind, Media
from kling_pipeline.errors import BusyError, InputError, ResultError
from kling_pipeline.media.decoder_pool import RESULTS, UPLOADS, Decoders
from kling_pipeline.media.formats import Format, Unreadable, sniff_file

__all__ = [
    "Facts",
    "check_rule",
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
_PICTURES = ("image/jpeg", "image/png")
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
    """Measure a file that a person gives; `cap` in bytes stands in place of its kind's own.

    InputError: `not_media`, `unsupported_type`, `file_too_large`, `file_cut`, `file_too_complex`
    (more time or memory than a decoder is given), `image_too_large`, `video_too_large`.
    """
    with _opened(data) as file:
        size, format = _first_look(file)
        if format is None or format.kind is None:
            found = _named(format) if format else "of no known kind" if size else "empty"
            raise InputError(
                f"This file is {found}; a picture, a video or a sound is needed.", code="not_media"
            )
        if not format.taken:
            raise InputError(
                f"This is {_named(format)}; {_TAKES[format.kind]}. Save it as one of these.",
                code="unsupported_type",
            )
        most = cap or CAPS[format.kind]
        if size > most:
            raise InputError(f"{_megabytes(size, most)}.", code="file_too_large")
        try:
            return _facts(UPLOADS, data, format, size, _digest(file))
        except Unreadable as error:
            raise InputError(error.sentence, code=error.code) from None


def check_rule(facts: Facts, media: Media, field: str) -> None:
    """Check that a file suits a field; InputError at the field with what was measured and the rule.

    Codes: `wrong_kind`, `unsupported_type` (a result in a format that Kling itself does not take),
    `file_too_large`, `image_too_small`, `image_too_long`, `side_too_long`, `wrong_length`.
    """
    if facts.kind != media.kind:
        message = f"This is {_A[facts.kind]}; {_A[media.kind]} is needed here."
        raise InputError.at(field, message, code="wrong_kind")
    if facts.kind == "image" and facts.mime not in _PICTURES:
        message = f"This picture is {facts.mime}; {_TAKES['image']}. Save it as one of these."
        raise InputError.at(field, message, code="unsupported_type")
    if facts.bytes > media.cap:
        message = f"{_megabytes(facts.bytes, media.cap)}."
        raise InputError.at(field, message, code="file_too_large")
    if media.seconds and facts.duration is not None:
        least, most = media.seconds
        # A container says 5.04 for five seconds: half a tenth is not a breach.
        if not least - 0.05 <= facts.duration <= most + 0.05:
            message = f"{facts.duration:.1f} s; {least:g} to {most:g} s are taken here."
            raise InputError.at(field, message, code="wrong_length")
    if not facts.width or not facts.height:
        return
    size = f"{facts.width} x {facts.height} px"
    if min(facts.width, facts.height) < media.side:
        message = f"{size}; each side needs at least {media.side} px."
        raise InputError.at(field, message, code="image_too_small")
    if max(facts.width, facts.height) > media.longest:
        message = f"{size}; each side at most {media.longest} px."
        raise InputError.at(field, message, code="side_too_long")
    longer, shorter = max(facts.width, facts.height), min(facts.width, facts.height)
    if longer > media.ratio * shorter:
        message = f"{size} is {longer / shorter:.2f} to 1; at most {media.ratio:g} to 1."
        raise InputError.at(field, message, code="image_too_long")


def verify_result(path: Path, kind: Kind, *, unread: bool = False) -> Facts:
    """Measure a file that Kling sent; its size, length and format may be other than was asked for.

    ResultError `result_wrong_kind` when it is not the kind of file, `result_cut` when it is empty,
    `result_unreadable` when it cannot be read; with `unread` it is taken all the same, unmeasured,
    as is a format that nothing here decodes. `result_busy` when it could not be tried.
    """
    with path.open("rb") as file:
        size, format = _first_look(file)
        if format is None or not _may_hold(format, kind):
            other = "a file of no known kind" if size else "an empty file"
            found = _named(format) if format else other
            code = "result_wrong_kind" if size else "result_cut"
            raise ResultError(f"Kling sent {found} in place of {_A[kind]}.", code=code)
        digest = _digest(file)
    try:
        if not format.read:
            return _unmeasured(format, kind, size, digest)
        facts = _facts(RESULTS, path, format, size, digest)
    except Unreadable as error:
        if not unread:
            raise ResultError(error.sentence, code="result_unreadable") from None
        return _unmeasured(format, kind, size, digest)
    except BusyError as error:
        raise ResultError(error.message, code="result_busy") from None
    if facts.kind != kind:
        raise ResultError(f"Kling sent {_A[facts.kind]}, not {_A[kind]}.", code="result_wrong_kind")
    return facts


def make_poster(path: Path, kind: Kind, target: Path, side: int = 512) -> bool:
    """Write a JPG to show for a file, its longer side at most `side` px; False when there is none."""
    part = target.with_name(f".{target.name}.part")
    try:
        if kind == "audio" or not _is_readable(path, kind):
            return False
        if not RESULTS.make_poster(path, kind, part, side):
            return False
        part.chmod(0o600)
        part.replace(target)
        return True
    except (OSError, Unreadable, BusyError):  # a poster is a courtesy: it may not stop its job
        return False
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def store_file(part: Path, folder: Path, sha256: str, suffix: str) -> Path:
    """Move a part file to `folder/ab/abcdef….mp4`, synced, mode 0600; both on one file system."""
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


def _facts(decoders: Decoders, data: bytes | Path, format: Format, size: int, digest: str) -> Facts:
    found = decoders.measure(data, format.name)
    assert format.kind is not None
    facts = Facts(format.kind, format.mime, format.suffix, bytes=size, sha256=digest, **found)
    if facts.width is None and format.sound:
        mime, suffix = format.sound
        facts = dataclasses.replace(facts, kind="audio", mime=mime, suffix=suffix)
    return facts


def _unmeasured(format: Format, kind: Kind, size: int, digest: str) -> Facts:
    mime, suffix = format.mime, format.suffix
    if kind != format.kind and format.sound:
        mime, suffix = format.sound
    return Facts(kind, mime, suffix, None, None, None, None, size, digest)


def _may_hold(format: Format, kind: Kind) -> bool:
    """A container of video may hold sound alone."""
    return format.kind == kind or (kind == "audio" and format.sound is not None)


def _is_readable(path: Path, kind: Kind) -> bool:
    with path.open("rb") as file:
        _, format = _first_look(file)
    return format is not None and format.kind == kind and format.read


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(MB):
        digest.update(chunk)
    return digest.hexdigest()


def _first_look(file: BinaryIO) -> tuple[int, Format | None]:
    size = file.seek(0, os.SEEK_END)
    return size, sniff_file(file)


@contextlib.contextmanager
def _opened(data: bytes | Path) -> Iterator[BinaryIO]:
    if isinstance(data, bytes):
        yield io.BytesIO(data)
    else:
        with data.open("rb") as file:
            yield file


def _named(format: Format) -> str:
    vowel = format.name.startswith(("A", "E", "I", "O", "U", "MP", "M4", "FLV", "HEIC", "SVG"))
    return f"{'an' if vowel else 'a'} {format.name}"


def _megabytes(size: int, most: int) -> str:
    return f"{size / MB:.1f} MB; at most {most / MB:g} MB"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
