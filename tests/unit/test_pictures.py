"""Pictures and clips are measured whole, bombs are refused from their headers, posters show."""

from __future__ import annotations

import functools
import hashlib
import io
import stat
import struct
import threading
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kling_pipeline.errors import ResultError
from kling_pipeline.media.files import (
    inspect_upload,
    make_poster,
    verify_result,
)
from tests.unit.samples import chunk, clip, picture, png, refused, sound, wav


@pytest.mark.parametrize(("kind", "mime"), [("JPEG", "image/jpeg"), ("PNG", "image/png")])
def test_a_picture_is_measured(kind: str, mime: str, tmp_path: Path) -> None:
    data = picture(kind)
    facts = inspect_upload(data)
    assert (facts.kind, facts.mime, facts.width, facts.height) == ("image", mime, 400, 300)
    assert (facts.duration, facts.fps, facts.bytes) == (None, None, len(data))
    assert facts.sha256 == hashlib.sha256(data).hexdigest()
    path = tmp_path / "lies.mp4"
    path.write_bytes(data)
    assert inspect_upload(path) == facts


def test_a_picture_is_measured_as_it_is_shown() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    facts = inspect_upload(picture(exif=exif))
    assert (facts.width, facts.height) == (300, 400)


def test_progressive_pictures_are_whole_too() -> None:
    assert inspect_upload(picture(progressive=True)).width == 400


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("size", [(301, 303), (8, 3)])
def test_every_kind_of_png_is_read_to_its_end(mode: str, size: tuple[int, int]) -> None:
    file = io.BytesIO()
    Image.new(mode, size).save(file, "PNG")
    data = file.getvalue()
    facts = inspect_upload(data)
    assert (facts.width, facts.height) == size
    place = data.index(b"IDAT")
    assert refused(data[: place + 6]).code == "file_cut"
    assert refused(data[: place + 6] + b"\x55" + data[place + 7 :]).code == "file_cut"


def test_an_interlaced_png_has_its_seven_passes() -> None:
    # Rows and columns of each pass over 10 x 10 (PNG specification, 8.2).
    rows = [(2, 2), (2, 1), (1, 3), (3, 2), (2, 5), (5, 5), (5, 10)]
    pixels = b"".join((b"\0" * (1 + 3 * wide)) * high for high, wide in rows)
    head = struct.pack(">IIBBBBB", 10, 10, 8, 2, 0, 0, 1)
    for missing in (0, 1):
        packed = zlib.compress(pixels[missing:])
        data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed)
        data += chunk(b"IEND", b"")
        if missing:
            assert refused(data).code == "file_cut"
        else:
            assert inspect_upload(data).width == 10
            with Image.open(io.BytesIO(data)) as picture:
                picture.load()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("part", [0.01, 0.3, 0.9])
def test_half_a_picture_is_refused(kind: str, part: float) -> None:
    data = picture(kind)
    assert refused(data[: int(len(data) * part)]).code == "file_cut"


@pytest.mark.parametrize("side", [14_500, 30_000, 2**31 - 1])
def test_a_bomb_is_refused_from_its_header(side: int) -> None:
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    error = refused(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b""))
    assert error.code == "image_too_large"
    assert error.message == f"{side * side / 1e6:.0f} megapixels; at most 200."


@pytest.mark.parametrize("more", [{}, {"progressive": True}])
def test_a_phone_s_fifty_megapixels_are_taken(more: dict[str, Any], tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.new("L", (8160, 6120), 90).save(file, "JPEG", **more)
    assert inspect_upload(file.getvalue()).width == 8160
    path, target = tmp_path / "a", tmp_path / "a.jpg"
    path.write_bytes(file.getvalue())
    assert make_poster(path, "image", target)
    with Image.open(target) as poster:
        assert poster.size == (512, 384)


def test_a_phone_s_hundred_and_eight_megapixels_are_taken_in_passes() -> None:
    file = io.BytesIO()
    Image.new("RGB", (12_032, 9024)).save(file, "JPEG", progressive=True, subsampling=0)
    assert inspect_upload(file.getvalue()).width == 12_032


def test_a_large_png_is_read_through() -> None:
    assert inspect_upload(png(9000, 9000)).width == 9000
    half = png(9000, 9000)
    assert refused(half[: len(half) // 2]).code == "file_cut"


def test_only_the_first_frame_of_an_animation_is_looked_at() -> None:
    file = io.BytesIO()
    frames = [Image.new("RGB", (320, 320), (number, 0, 0)) for number in range(3)]
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    assert inspect_upload(file.getvalue()).width == 320


def test_pictures_are_measured_in_threads() -> None:
    data, seen = picture(), []
    threads = [threading.Thread(target=lambda: seen.append(inspect_upload(data))) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(seen) == 4 and len(set(seen)) == 1


@pytest.mark.parametrize(("suffix", "mime"), [("mp4", "video/mp4"), ("mov", "video/quicktime")])
def test_a_clip_is_measured(suffix: str, mime: str) -> None:
    facts = inspect_upload(clip(suffix, sound=True))
    assert (facts.kind, facts.mime, facts.suffix) == ("video", mime, f".{suffix}")
    assert (facts.width, facts.height, facts.fps) == (320, 240, 24)
    assert facts.duration == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(
    ("data", "suffix", "seconds"),
    [
        (wav(), ".wav", 1),
        (sound("mp3", "libmp3lame"), ".mp3", 2),
        (sound("adts", "aac"), ".aac", 2),
        (sound("ipod", "aac"), ".m4a", 2),
        (sound("mp4", "aac"), ".m4a", 2),
    ],
    ids=["wav", "mp3", "aac", "m4a", "an mp4 without a picture"],
)
def test_a_sound_is_measured(data: bytes, suffix: str, seconds: int) -> None:
    facts = inspect_upload(data)
    assert (facts.kind, facts.suffix, facts.width) == ("audio", suffix, None)
    assert facts.duration == pytest.approx(seconds, abs=0.1)


def test_a_clip_is_measured_as_it_is_shown(tmp_path: Path) -> None:
    data = bytearray(clip())
    place = data.index(b"tkhd") + 4 + 40
    turn = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    data[place : place + 36] = struct.pack(">9i", *turn)
    facts = inspect_upload(bytes(data))
    assert (facts.width, facts.height) == (240, 320)
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    assert make_poster(path, "video", tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as poster:
        assert poster.size == (240, 320)


@pytest.mark.parametrize("front", [False, True], ids=["index last", "index first"])
@pytest.mark.parametrize("part", [0.2, 0.6, 0.95])
def test_half_a_clip_is_refused(front: bool, part: float, tmp_path: Path) -> None:
    data = clip(front=front)
    half = data[: int(len(data) * part)]
    assert refused(half).code == "file_cut"
    (tmp_path / "a").write_bytes(half)
    with pytest.raises(ResultError) as caught:
        verify_result(tmp_path / "a", "video")
    assert caught.value.code == "result_unreadable"


def changed(box: bytes, place: int, format: str, *values: int) -> bytes:
    data = bytearray(clip())
    struct.pack_into(format, data, data.index(box) + 4 + place, *values)
    return bytes(data)


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


FTYP = box(b"ftyp", b"isom\0\0\0\0")
BOMBS = {
    "a vast track": (changed(b"tkhd", 76, ">II", 30_000 << 16, 30_000 << 16), "video_too_large"),
    "a vast picture": (changed(b"stsd", 40, ">HH", 30_000, 30_000), "video_too_large"),
    "billions of samples": (changed(b"stsz", 4, ">II", 4, 2**32 - 1), "file_cut"),
    "a box longer than the file": (FTYP + struct.pack(">I4s", 2**31, b"moov"), "file_cut"),
    "a box shorter than itself": (FTYP + struct.pack(">I4s", 4, b"moov"), "file_cut"),
    "no index": (FTYP + box(b"mdat", b"\0" * 100), "file_cut"),
    "an empty index": (FTYP + box(b"moov", b""), "file_cut"),
    "nothing but boxes": (FTYP + box(b"free", b"") * 300_000, "file_cut"),
    "boxes in boxes": (
        FTYP + functools.reduce(lambda inner, _: box(b"moov", inner), range(3000), b""),
        "file_cut",
    ),
    "a short header": (FTYP + box(b"moov", box(b"trak", box(b"tkhd", b"\0"))), "file_cut"),
}


@pytest.mark.parametrize(("data", "code"), BOMBS.values(), ids=BOMBS.keys())
def test_a_clip_s_false_promises_are_refused(data: bytes, code: str) -> None:
    assert refused(data).code == code


def test_a_poster_shows_what_is_not_black(tmp_path: Path) -> None:
    path, target = tmp_path / "a.mp4", tmp_path / "a.jpg"
    path.write_bytes(clip(dark=30))
    assert make_poster(path, "video", target, side=160)
    with Image.open(target) as poster:
        assert (poster.format, poster.size) == ("JPEG", (160, 120))
        assert np.asarray(poster.convert("L")).mean() > 100
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    path.write_bytes(clip(dark=48))
    assert make_poster(path, "video", target), "a black clip has a black poster"


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "I;16", "CMYK", "1"])
def test_a_picture_has_a_small_copy(mode: str, tmp_path: Path) -> None:
    path, target = tmp_path / "a", tmp_path / "a.jpg"
    Image.new(mode, (900, 600)).save(path, "JPEG" if mode == "CMYK" else "PNG")
    assert make_poster(path, "image", target, side=300)
    with Image.open(target) as poster:
        assert poster.size == (300, 200)


@pytest.mark.parametrize("kind", ["video", "image", "audio"])
@pytest.mark.parametrize("data", [b"", b"\0" * 99, clip()[:3000], picture()[:200], wav()])
def test_odd_media_have_no_poster_and_raise_nothing(data: bytes, kind: Any, tmp_path: Path) -> None:
    path, target = tmp_path / "a", tmp_path / "a.jpg"
    path.write_bytes(data)
    assert make_poster(path, kind, target) is False
    assert make_poster(tmp_path / "none", kind, target) is False
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


def test_a_poster_that_cannot_be_written_is_only_missing(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(picture())
    assert make_poster(path, "image", tmp_path / "no" / "a.jpg") is False
