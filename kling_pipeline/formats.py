"""What a file is, told from its first bytes; names and declared types are never believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["HEAD", "Format", "Unreadable", "sniff"]

HEAD = 64  # bytes that `sniff` wants to see

Code = Literal["not_media", "unsupported_type", "file_cut", "image_too_large", "video_too_large"]


class Unreadable(Exception):
    """A file that cannot be used: a stable code and one sentence."""

    def __init__(self, code: Code, sentence: str) -> None:
        super().__init__(sentence)
        self.code, self.sentence = code, sentence


@dataclass(frozen=True)
class Format:
    """A kind of file; `taken` if Kling takes it as input, `demuxer` is its name in FFmpeg."""

    name: str
    kind: Literal["image", "video", "audio"] | None
    mime: str = ""
    suffix: str = ""
    taken: bool = False
    demuxer: str = ""


# Pictures: JPG and PNG; video: MP4 and MOV; sound: MP3, WAV, M4A, AAC (Kling docs, Sept 2026).
_MP4 = Format("MP4 video", "video", "video/mp4", ".mp4", True, "mov")
_MOV = Format("MOV video", "video", "video/quicktime", ".mov", True, "mov")
_M4A = Format("M4A sound", "audio", "audio/mp4", ".m4a", True, "mov")
_MP3 = Format("MP3 sound", "audio", "audio/mpeg", ".mp3", True, "mp3")
_AAC = Format("AAC sound", "audio", "audio/aac", ".aac", True, "aac")
_HEIC = Format("HEIC or AVIF picture", "image")

_SIGNS: tuple[tuple[int, bytes, Format], ...] = (
    (0, b"\xff\xd8\xff", Format("JPG picture", "image", "image/jpeg", ".jpg", True)),
    (0, b"\x89PNG\r\n\x1a\n", Format("PNG picture", "image", "image/png", ".png", True)),
    (0, b"GIF8", Format("GIF picture", "image", "image/gif", ".gif")),
    (8, b"WEBPVP8", Format("WebP picture", "image", "image/webp", ".webp")),
    (0, b"II*\0", Format("TIFF picture", "image")),
    (0, b"MM\0*", Format("TIFF picture", "image")),
    (8, b"WAVE", Format("WAV sound", "audio", "audio/wav", ".wav", True, "wav")),
    (8, b"AVI ", Format("AVI video", "video")),
    (0, b"\x1aE\xdf\xa3", Format("WebM video", "video", "video/webm", ".webm", False, "matroska")),
    (0, b"ID3", _MP3),
    (0, b"OggS", Format("Ogg sound", "audio")),
    (0, b"fLaC", Format("FLAC sound", "audio")),
    (0, b"BM", Format("BMP picture", "image")),
    (0, b"%PDF", Format("PDF document", None)),
    (0, b"PK\x03\x04", Format("ZIP archive", None)),
)
_BRANDS = {
    b"qt  ": _MOV,
    b"M4A ": _M4A,
    b"M4B ": _M4A,
    **dict.fromkeys((b"heic", b"heix", b"heim", b"mif1", b"msf1", b"avif", b"avis"), _HEIC),
}


def sniff(head: bytes) -> Format | None:
    """The format of a file by its first bytes; None when they say nothing."""
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], _MP4)
    if head[4:8] in (b"moov", b"mdat", b"wide"):
        return _MOV
    for place, sign, format in _SIGNS:
        if head[place : place + len(sign)] == sign:
            return format
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return Format("SVG or HTML text", None)
    return _sound_frame(head)


def _sound_frame(head: bytes) -> Format | None:
    """MPEG sound has no magic word: eleven bits set begin each frame, two more tell the layer."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        return _AAC
    return _MP3 if head[1] >> 1 & 3 == 1 else None
