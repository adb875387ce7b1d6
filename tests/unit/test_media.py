"""Files are told from their bytes, rules name what was measured, results must be whole."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from kling_pipeline.catalog.declaration import Media
from kling_pipeline.errors import InputError, ResultError
from kling_pipeline.media.base64_files import decode_base64
from kling_pipeline.media.files import (
    Facts,
    check_rule,
    store_file,
    verify_result,
)
from tests.unit.samples import clip, picture, refused, sound

SVG = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>"
OTHERS = {
    "empty": (b"", "not_media", "empty"),
    "text": (b"hello there, a prompt", "not_media", "no known kind"),
    "zeros": (b"\0" * 5000, "not_media", "no known kind"),
    "svg": (SVG, "not_media", "SVG"),
    "html": (b"\n <html><script>", "not_media", "HTML"),
    "pdf": (b"%PDF-1.7", "not_media", "PDF"),
    "zip": (b"PK\x03\x04abcd", "not_media", "ZIP"),
    "playlist": (b"#EXTM3U\nfile:///etc/passwd", "not_media", "no known kind"),
    "gif": (b"GIF89a" + b"\0" * 50, "unsupported_type", "GIF"),
    "webp": (picture("WEBP"), "unsupported_type", "JPG and PNG"),
    "bmp": (picture("BMP"), "unsupported_type", "BMP"),
    "tiff": (picture("TIFF"), "unsupported_type", "TIFF"),
    "heic": (b"\0\0\0\x18ftypheic" + b"\0" * 50, "unsupported_type", "HEIC"),
    "avi": (b"RIFF\0\0\0\0AVI LIST", "unsupported_type", "MP4 and MOV"),
    "webm": (b"\x1aE\xdf\xa3" + b"\0" * 50, "unsupported_type", "WebM"),
    "ogg": (b"OggS" + b"\0" * 50, "unsupported_type", "MP3, WAV"),
    "half a jpg": (b"\xff\xd8\xff", "file_cut", "JPG"),
    "half an mp4": (b"\0\0\0\x18ftypisom", "file_cut", "video"),
    "noise after id3": (b"ID3" + bytes(range(256)) * 4, "file_cut", "MP3"),
    "noise after riff": (b"RIFF\0\0\0\0WAVE" + b"\xff" * 200, "file_cut", "WAV"),
}


@pytest.mark.parametrize(("data", "code", "word"), OTHERS.values(), ids=OTHERS.keys())
def test_what_is_not_taken_is_named(data: bytes, code: str, word: str) -> None:
    error = refused(data)
    assert error.code == code
    assert word in error.message


def test_a_file_over_its_cap_is_not_read() -> None:
    error = refused(b"\xff\xd8\xff" + b"\0" * (12 * 1024 * 1024))
    assert error.message == "12.0 MB; at most 10 MB."
    assert error.code == "file_too_large"
    assert refused(picture(), cap=1000).code == "file_too_large"
    assert refused(b"ID3" + b"\0" * (6 * 1024 * 1024)).code == "file_too_large"


def facts(**changes: Any) -> Facts:
    base = {
        "kind": "image", "mime": "image/png", "suffix": ".png", "width": 1000, "height": 1000,
        "duration": None, "fps": None, "bytes": 1000, "sha256": "0" * 64,
    }  # fmt: skip
    return Facts(**(base | changes))


@pytest.mark.parametrize(
    ("changes", "code", "sentence"),
    [
        (
            {"width": 280, "height": 640},
            "image_too_small",
            "280 x 640 px; each side needs at least 300 px.",
        ),
        (
            {"width": 2600},
            "image_too_long",
            "2600 x 1000 px is 2.60 to 1; at most 2.5 to 1.",
        ),
        (
            {"height": 2501},
            "image_too_long",
            "1000 x 2501 px is 2.50 to 1; at most 2.5 to 1.",
        ),
        ({"bytes": 12 * 1024 * 1024}, "file_too_large", "12.0 MB; at most 10 MB."),
        ({"kind": "video"}, "wrong_kind", "This is a video; a picture is needed here."),
    ],
)
def test_a_rule_names_what_was_measured(changes: dict[str, Any], code: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        check_rule(facts(**changes), Media("image"), "image_tail")
    assert (caught.value.code, caught.value.fields) == (code, {"image_tail": sentence})


def test_what_suits_a_field_passes() -> None:
    check_rule(facts(width=2500), Media("image"), "image")
    check_rule(facts(width=300, height=300), Media("image"), "image")
    check_rule(facts(bytes=20 * 1024 * 1024), Media("image", cap=50 * 1024 * 1024), "image")
    check_rule(facts(kind="audio", width=None, height=None), Media("audio"), "sound_file")


def test_base64_is_raw() -> None:
    data = picture()
    assert decode_base64(base64.b64encode(data).decode()) == data
    for other in ("", " ", "as_0123", "https://a.example.com/b.png", "AAA", "äöü", "A=AA", "AA AA"):
        assert decode_base64(other) is None
    for prefixed in (
        "data:image/png;base64,AAAA", ' "DATA:image/png;base64,AAAA"', "image/png;base64,AAAA",
        "base64,AAAA", "data%3Aimage/png%3Bbase64%2CAAAA",
    ):  # fmt: skip
        with pytest.raises(InputError) as caught:
            decode_base64(prefixed)
        assert caught.value.code == "data_prefix"


def lines(text: str, end: str) -> str:
    return end.join(text[place : place + 76] for place in range(0, len(text), 76)) + end


WRITINGS: dict[str, Callable[[str], str]] = {
    "as base64 prints it": lambda text: lines(text, "\n"),
    "with ends of lines of Windows": lambda text: lines(text, "\r\n"),
    "indented": lambda text: "  " + lines(text, "\n    "),
    "as a shell joins its lines": lambda text: lines(text, " "),
    "joined by tabs": lambda text: lines(text, "\t").strip(),
    "joined by wide spaces": lambda text: lines(text, " \u3000 "),
    "with a byte order mark": lambda text: "\ufeff" + text,
    "with signs of no width around": lambda text: f"\u200b\u2060{text}\u200b",
    "as JSON twice": lambda text: json.dumps(lines(text, "\n")).replace("/", "\\/"),
    "as JSON twice, bare": lambda text: json.dumps(lines(text, "\r\n"))[1:-1].replace(
        "+", "\\u002B"
    ),
    "in escaped quotes": lambda text: json.dumps(json.dumps(text))[1:-1],
    "in quotes": lambda text: f' "{text}"\n',
    "as Python prints bytes": lambda text: f"b'{text}'",
    "as Python prints bytes of lines": lambda text: repr(lines(text, "\n").encode()),
    "as an address bears it": lambda text: quote(text, safe=""),
    "as an address bears its lines": lambda text: quote(lines(text, "\r\n"), safe=""),
    "as XML has ends of lines": lambda text: lines(text, "&#13;\n"),
    "as XML has them otherwise": lambda text: lines(text, "&#xD;&#xA;"),
    "with breaks that nobody sees": lambda text: lines(text, "\u200b"),
    "with soft hyphens": lambda text: lines(text, "\u00ad"),
    "between marks that turn text": lambda text: f"\u202a{text}\u202c\u200e",
    "in a word processor's quotes": lambda text: f"\u201c{text}\u201d",
    "in backticks": lambda text: f"`{text}`",
    "with the zero of a C string": lambda text: text + "\0",
    "without padding": lambda text: text.rstrip("="),
    "in the alphabet of addresses": lambda text: text.translate(str.maketrans("+/", "-_")),
    "in that, bare and in lines": lambda text: lines(
        text.translate(str.maketrans("+/", "-_")).rstrip("="), "\n"
    ),
}


@pytest.mark.parametrize("write", WRITINGS.values(), ids=WRITINGS.keys())
def test_base64_has_other_writings(write: Callable[[str], str]) -> None:
    data = next(one for one in (picture() + b"\0" * n for n in range(3)) if len(one) % 3 == 1)
    plain = base64.b64encode(data).decode()
    assert plain.endswith("==") and {"+", "/"} <= set(plain)
    assert decode_base64(write(plain)) == data


def test_a_mixed_alphabet_is_not_guessed_at() -> None:
    plain = base64.b64encode(picture()).decode()
    assert decode_base64(plain.replace("+", "-")) is None
    assert decode_base64(plain[:200] + " " + plain[200:]) is None, "a space may have been a +"
    for place in (place for place, one in enumerate(plain) if one == "+"):
        lost = plain[:place] + " " + plain[place + 1 :]
        assert decode_base64(lost) is None
        assert decode_base64(lost.replace("+", " ")) is None


def test_a_result_is_taken_whatever_its_size(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for data, kind in (
        (clip(), "video"),
        (clip("mov"), "video"),
        (picture("JPEG", (64, 900)), "image"),
        (picture("WEBP"), "image"),
        (sound("mp3", "libmp3lame"), "audio"),
    ):
        path.write_bytes(data)
        assert verify_result(path, kind).kind == kind  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "kind", "code"),
    [
        (picture(), "video", "result_wrong_kind"),
        (clip(), "image", "result_wrong_kind"),
        (sound("mp4", "aac"), "video", "result_wrong_kind"),
        (b"<html>Access denied</html>", "video", "result_wrong_kind"),
        (b'{"code": 1}', "image", "result_wrong_kind"),
        (b"II*\0" + b"\0" * 60, "image", "result_unreadable"),
        (b"", "video", "result_cut"),
        (picture()[:5000], "image", "result_unreadable"),
    ],
)
def test_a_result_must_be_whole_and_of_its_kind(
    data: bytes, kind: Any, code: str, tmp_path: Path
) -> None:
    path = tmp_path / "a"
    path.write_bytes(data)
    with pytest.raises(ResultError) as caught:
        verify_result(path, kind)
    assert caught.value.code == code


def test_a_file_is_stored_by_its_content(tmp_path: Path) -> None:
    name = hashlib.sha256(b"film").hexdigest()
    for _ in range(2):
        part = tmp_path / "part"
        part.write_bytes(b"film")
        stored = store_file(part, tmp_path / "assets", name, ".mp4")
        assert stored == tmp_path / "assets" / name[:2] / f"{name}.mp4"
        assert stored.read_bytes() == b"film" and not part.exists()
        assert stat.S_IMODE(stored.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("../../etc", ".mp4"), ("A" * 64, ".mp4"), ("a" * 63, ".mp4"), ("a" * 64, "/../x"), ("a" * 64, "")],
)  # fmt: skip
def test_a_stored_file_has_a_plain_name(name: str, suffix: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="named by"):
        store_file(tmp_path / "part", tmp_path, name, suffix)
