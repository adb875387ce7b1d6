"""What a file is, told from its first bytes; names and declared types are never believed."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import BinaryIO, Literal

__all__ = ["HEAD", "Format", "Unreadable", "sniff", "sniff_file"]

HEAD = 512  # bytes that `sniff` wants to see
_MOST_TAGS = 100  # or times HEAD bytes of zeros, in front of a sound

Code = Literal["file_cut", "file_too_complex", "image_too_large", "video_too_large"]


class Unreadable(Exception):
    """A file that cannot be used: a stable code and one sentence."""

    def __init__(self, code: Code, sentence: str) -> None:
        super().__init__(sentence)
        self.code, self.sentence = code, sentence


@dataclass(frozen=True)
class Format:
    """A kind of file; `taken` if Kling takes it as input.

    `demuxer` is its name in FFmpeg and `picture` its name in Pillow; with neither it is not read.
    `sound` is the type and suffix of a container of this kind that holds no picture.
    """

    name: str
    kind: Literal["image", "video", "audio"] | None
    mime: str = ""
    suffix: str = ""
    taken: bool = False
    demuxer: str = ""
    picture: str = ""
    sound: tuple[str, str] | None = None

    @property
    def read(self) -> bool:
        """Whether there is a decoder for it."""
        return bool(self.demuxer or self.picture)


def _picture(name: str, mime: str, suffix: str, reader: str = "", *, taken: bool = False) -> Format:
    return Format(f"{name} picture", "image", mime, suffix, taken, picture=reader)


def _film(name: str, mime: str, suffix: str, demuxer: str, *sound: str) -> Format:
    held = (sound[0], sound[1]) if sound else None
    return Format(f"{name} video", "video", mime, suffix, False, demuxer, sound=held)


def _tone(name: str, mime: str, suffix: str, demuxer: str) -> Format:
    return Format(f"{name} sound", "audio", mime, suffix, False, demuxer)


# Pictures: JPG and PNG; video: MP4 and MOV; sound: MP3, WAV, M4A, AAC (Kling docs, Sept 2026).
_M4 = ("audio/mp4", ".m4a")
_MP4 = Format("MP4 video", "video", "video/mp4", ".mp4", True, "mov", sound=_M4)
_MOV = Format("MOV video", "video", "video/quicktime", ".mov", True, "mov", sound=_M4)
_M4A = Format("M4A sound", "audio", "audio/mp4", ".m4a", True, "mov")
_MP3 = Format("MP3 sound", "audio", "audio/mpeg", ".mp3", True, "mp3")
_AAC = Format("AAC sound", "audio", "audio/aac", ".aac", True, "aac")
_WAV = Format("WAV sound", "audio", "audio/wav", ".wav", True, "wav")
_MP2 = _tone("MP2", "audio/mpeg", ".mp2", "mp3")
# Results come in other formats too. HEIC and JPEG XL have no decoder here.
_AVIF = _picture("AVIF", "image/avif", ".avif", "AVIF")
_HEIC = _picture("HEIC", "image/heic", ".heic")
_HEIF = _picture("HEIF", "image/heif", ".heif")
_JXL = _picture("JPEG XL", "image/jxl", ".jxl")
_TIFF = _picture("TIFF", "image/tiff", ".tiff", "TIFF")
_WEBM = _film("WebM", "video/webm", ".webm", "matroska", "audio/webm", ".weba")
_MKV = _film("Matroska", "video/x-matroska", ".mkv", "matroska", "audio/x-matroska", ".mka")
_OGV = _film("Ogg", "video/ogg", ".ogv", "ogg", "audio/ogg", ".ogg")
_TS = _film("MPEG-TS", "video/mp2t", ".ts", "mpegts", "audio/mp2t", ".ts")
_ASF = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"

_SIGNS: tuple[tuple[int, bytes, Format], ...] = (
    (0, b"\xff\xd8\xff", _picture("JPG", "image/jpeg", ".jpg", "JPEG", taken=True)),
    (0, b"\x89PNG\r\n\x1a\n", _picture("PNG", "image/png", ".png", "PNG", taken=True)),
    (0, b"GIF8", _picture("GIF", "image/gif", ".gif", "GIF")),
    (8, b"WEBPVP8", _picture("WebP", "image/webp", ".webp", "WEBP")),
    (0, b"II*\0", _TIFF),
    (0, b"MM\0*", _TIFF),
    (0, b"II+\0", _TIFF),
    (0, b"MM\0+", _TIFF),
    (0, b"\0\0\0\x0cJXL ", _JXL),
    (0, b"\xff\x0a", _JXL),
    (0, b"\0\0\0\x0cjP  ", _picture("JPEG 2000", "image/jp2", ".jp2", "JPEG2000")),
    (0, b"\xff\x4f\xff\x51", _picture("JPEG 2000", "image/j2c", ".j2c", "JPEG2000")),
    (0, b"\x76\x2f\x31\x01", _picture("OpenEXR", "image/x-exr", ".exr")),
    (0, b"8BPS", _picture("Photoshop", "image/vnd.adobe.photoshop", ".psd")),
    (8, b"WAVE", _WAV),
    (8, b"AVI ", _film("AVI", "video/x-msvideo", ".avi", "avi")),
    (0, _ASF, _film("WMV", "video/x-ms-wmv", ".wmv", "asf", "audio/x-ms-wma", ".wma")),
    (0, b"FLV\x01", _film("FLV", "video/x-flv", ".flv", "flv")),
    (0, b"\0\0\x01\xba", _film("MPEG", "video/mpeg", ".mpg", "mpeg")),
    (0, b"ID3", _MP3),
    (0, b"fLaC", _tone("FLAC", "audio/flac", ".flac", "flac")),
    (8, b"AIF", _tone("AIFF", "audio/aiff", ".aiff", "aiff")),
    (0, b"caff", _tone("CAF", "audio/x-caf", ".caf", "caf")),
    (0, b"#!AMR", _tone("AMR", "audio/amr", ".amr", "amr")),
    (0, b"BM", _picture("BMP", "image/bmp", ".bmp", "BMP")),
    (0, b"%PDF", Format("PDF document", None)),
    (0, b"PK\x03\x04", Format("ZIP archive", None)),
)
# What may stand in front of the first box that tells what a file is (QuickTime File Format, ISO/IEC 14496-12, DASH).
_IN_FRONT = frozenset(b"free skip pnot udta uuid styp sidx emsg meta junk".split())
_BRANDS = {
    b"qt  ": _MOV,
    b"M4A ": _M4A,
    b"M4B ": _M4A,
    **dict.fromkeys((b"avif", b"avis"), _AVIF),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), _HEIC),
}
_OGG = {
    b"OpusHead": _tone("Opus", "audio/ogg", ".opus", "ogg"),
    b"\x80theora": _OGV,
    b"fishead\0": _OGV,
}


def sniff(head: bytes) -> Format | None:
    """Return the format of a file by its first bytes; None when they say nothing."""
    if head[4:8] == b"ftyp":
        return _branded(head)
    if head[4:8] in (b"moov", b"mdat", b"wide"):
        return _MOV
    # These words stand in texts too, where a size of 256 MB or more is in front of them.
    if head[4:8] in _IN_FRONT and head[0] < 16:
        size = int.from_bytes(head[:4], "big")
        return _branded(head[size:]) if head[size + 4 : size + 8] == b"ftyp" else _MOV
    if head[:4] == b"\x1aE\xdf\xa3":
        return _MKV if b"matroska" in head[:64] else _WEBM
    if head[:4] == b"OggS":
        packet = head[28:]
        found = (one for sign, one in _OGG.items() if packet.startswith(sign))
        return next(found, _tone("Ogg", "audio/ogg", ".ogg", "ogg"))
    for place, sign, format in _SIGNS:
        if head[place : place + len(sign)] == sign:
            return format
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return Format("SVG or HTML text", None)
    if head[:1] == b"G" and head[188:189] == b"G" and head[376:377] == b"G":
        return _TS
    return _sound_frame(head)


def sniff_file(file: BinaryIO) -> Format | None:
    """Return the format of an open file; of a sound by what stands behind the tags and zeros in front of it."""
    file.seek(0)
    head, place = file.read(HEAD), 0
    found = sniff(head)
    if found is not None and not head.startswith(b"ID3"):
        return found
    for _ in range(_MOST_TAGS):
        length = _in_front(head)
        if not length:
            break
        place += length
        file.seek(place)
        head = file.read(HEAD)
    behind = sniff(head) if place else None
    return behind if behind is not None and behind.kind == "audio" else found


def _in_front(head: bytes) -> int:
    """Return the length of an ID3v2 or APEv2 tag, or of zeros, that a file goes on with."""
    if head[:3] == b"ID3" and len(head) > 9:
        size = functools.reduce(lambda number, byte: number << 7 | byte & 127, head[6:10], 0)
        return size + (20 if head[5] & 0x10 else 10)
    if head[:8] == b"APETAGEX":
        return 32 + int.from_bytes(head[12:16], "little")
    return len(head) - len(head.lstrip(b"\0"))


def _branded(head: bytes) -> Format:
    """Return the format that an `ftyp` box names; the general brands of pictures leave it to the others."""
    if head[8:12] not in (b"mif1", b"msf1", b"miaf"):
        return _BRANDS.get(head[8:12], _MP4)
    end = min(int.from_bytes(head[:4], "big"), len(head))
    others = (_BRANDS.get(head[place : place + 4]) for place in range(16, end, 4))
    return next((one for one in others if one in (_AVIF, _HEIC)), None) or _HEIF


def _sound_frame(head: bytes) -> Format | None:
    """MPEG sound has no magic word: eleven bits set begin each frame, two more tell the layer."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        return _AAC
    return {1: _MP3, 2: _MP2}.get(head[1] >> 1 & 3)
