"""Results in formats that Kling does not take itself, and files with more in them than their picture."""

from __future__ import annotations

import functools
import io
import struct
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from kling_pipeline.catalog.declaration import Media
from kling_pipeline.errors import InputError, ResultError
from kling_pipeline.media.files import Facts, check_rule, inspect_upload, make_poster, verify_result
from tests.unit.bombs import box, segment, with_segments
from tests.unit.samples import chunk, clip, picture, refused, sound, wav


@functools.cache
def film(container: str, codec: str) -> bytes:
    """A second of 320 x 240."""
    with tempfile.NamedTemporaryFile() as file:
        with av.open(file.name, "w", format=container) as out:
            video = out.add_stream(codec, rate=24)
            video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
            for _ in range(24):
                frame = np.full((240, 320, 3), 160, np.uint8)
                out.mux(video.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
            out.mux(video.encode(None))
        return Path(file.name).read_bytes()


def animation(kind: str) -> bytes:
    file = io.BytesIO()
    frames = [Image.new("RGB", (320, 320), (number, 0, 0)) for number in range(3)]
    frames[0].save(file, kind, save_all=True, append_images=frames[1:])
    return file.getvalue()


def branded(brand: bytes, *others: bytes) -> bytes:
    return box(b"ftyp", brand + b"\0\0\0\0" + b"".join(others)) + b"\0" * 600


PICTURES = {
    kind: (picture(kind), mime, suffix)
    for kind, mime, suffix in [
        ("AVIF", "image/avif", ".avif"),
        ("WEBP", "image/webp", ".webp"),
        ("GIF", "image/gif", ".gif"),
        ("TIFF", "image/tiff", ".tiff"),
        ("BMP", "image/bmp", ".bmp"),
        ("JPEG2000", "image/jp2", ".jp2"),
    ]
}
FILMS = [
    ("webm", "libvpx-vp9", "video/webm", ".webm"),
    ("matroska", "libx264", "video/x-matroska", ".mkv"),
    ("avi", "mpeg4", "video/x-msvideo", ".avi"),
    ("mpegts", "libx264", "video/mp2t", ".ts"),
    ("flv", "flv1", "video/x-flv", ".flv"),
]
SOUNDS = [
    ("flac", "flac", "audio/flac", ".flac"),
    ("webm", "libopus", "audio/webm", ".weba"),
    ("matroska", "aac", "audio/x-matroska", ".mka"),
    ("aiff", "pcm_s16be", "audio/aiff", ".aiff"),
    ("mp4", "aac", "audio/mp4", ".m4a"),
]
UNREAD: list[tuple[bytes, Any, str, str]] = [
    (branded(b"heic", b"mif1"), "image", "image/heic", ".heic"),
    (branded(b"mif1", b"miaf", b"heic"), "image", "image/heic", ".heic"),
    (branded(b"mif1"), "image", "image/heif", ".heif"),
    (b"\xff\x0a" + b"\0" * 90, "image", "image/jxl", ".jxl"),
    (b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0" * 90, "image", "image/jxl", ".jxl"),
    (b"\x76\x2f\x31\x01" + b"\0" * 90, "image", "image/x-exr", ".exr"),
]


def kept(path: Path, data: bytes, kind: Any, mime: str, suffix: str) -> Facts:
    """A result of this kind is taken for what it is; its measures."""
    path.write_bytes(data)
    facts = verify_result(path, kind)
    assert (facts.kind, facts.mime, facts.suffix) == (kind, mime, suffix)
    return facts


@pytest.mark.parametrize(("data", "mime", "suffix"), PICTURES.values(), ids=PICTURES.keys())
def test_a_picture_in_another_format_is_kept(
    data: bytes, mime: str, suffix: str, tmp_path: Path
) -> None:
    path, target = tmp_path / "a", tmp_path / "a.jpg"
    facts = kept(path, data, "image", mime, suffix)
    assert (facts.width, facts.height) == (400, 300)
    assert make_poster(path, "image", target)
    assert refused(data).code == "unsupported_type", "what a person gives goes to Kling"
    with pytest.raises(InputError) as caught:
        check_rule(facts, Media("image"), "image")
    assert caught.value.code == "unsupported_type", "and so does a result that is used again"


@pytest.mark.parametrize("kind", ["AVIF", "WEBP", "GIF", "PNG"])
def test_a_moving_picture_is_a_picture(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(animation(kind))
    assert verify_result(path, "image").width == 320
    assert make_poster(path, "image", tmp_path / "a.jpg")


@pytest.mark.parametrize(("container", "codec", "mime", "suffix"), FILMS)
def test_a_video_in_another_format_is_kept(
    container: str, codec: str, mime: str, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / "a"
    facts = kept(path, film(container, codec), "video", mime, suffix)
    assert (facts.width, facts.height, facts.duration) == (320, 240, 1)
    assert make_poster(path, "video", tmp_path / "a.jpg")


@pytest.mark.parametrize(("container", "codec", "mime", "suffix"), SOUNDS)
def test_a_sound_in_another_format_is_kept(
    container: str, codec: str, mime: str, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / "a"
    data = sound(container, codec, 48_000 if codec == "libopus" else 44_100)
    facts = kept(path, data, "audio", mime, suffix)
    assert facts.duration == pytest.approx(1.9, abs=0.2)
    with pytest.raises(ResultError):
        verify_result(path, "video")


def test_ogg_tells_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(sound("ogg", "libopus", 48_000))
    assert verify_result(path, "audio").suffix == ".opus"
    path.write_bytes(sound("ogg", "flac"))
    assert verify_result(path, "audio").suffix == ".ogg"
    path.write_bytes(b"OggS" + b"\0" * 24 + b"\x80theora" + b"\0" * 99)
    assert verify_result(path, "video", unread=True).mime == "video/ogg"


@pytest.mark.parametrize(("data", "kind", "mime", "suffix"), UNREAD)
def test_what_nothing_here_decodes_is_kept_without_measures(
    data: bytes, kind: Any, mime: str, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / "a"
    facts = kept(path, data, kind, mime, suffix)
    assert (facts.width, facts.height, facts.duration) == (None, None, None)
    assert make_poster(path, kind, tmp_path / "a.jpg") is False


def with_chunks(*chunks: bytes) -> bytes:
    data = picture("PNG")
    return data[:33] + b"".join(chunks) + data[33:]


HUGE = zlib.compress(b"\0" * 80_000_000, 1)
EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01"
SIDE_DATA: dict[str, Callable[[], bytes]] = {
    "compressed text": lambda: with_chunks(chunk(b"zTXt", b"a\0\0" + HUGE)),
    "international text": lambda: with_chunks(chunk(b"iTXt", b"a\0\x01\0\0\0" + HUGE)),
    "a huge profile": lambda: with_chunks(chunk(b"iCCP", b"a\0\0" + HUGE)),
    "a broken profile": lambda: with_chunks(chunk(b"iCCP", b"a\0\0no profile")),
    "a broken chunk of text": lambda: with_chunks(chunk(b"tEXt", b"")[:-4] + b"\0\0\0\0"),
    "broken exif": lambda: with_chunks(chunk(b"eXIf", b"MM\0*\xff\xff\xff\xff")),
    "broken times and gammas": lambda: with_chunks(chunk(b"gAMA", b"1"), chunk(b"pHYs", b"")),
    "broken frames": lambda: with_chunks(chunk(b"acTL", b"\0"), chunk(b"fcTL", b"\0")),
    "a thousand texts": lambda: with_chunks(*[chunk(b"tEXt", b"a\0" + b"b" * 900)] * 1000),
    "bytes behind IEND": lambda: picture("PNG") + b"\x89PNG and more" * 99,
    "a jpg's comments": lambda: with_segments(picture(), *[segment(0xFE, b"c" * 65_000)] * 40),
    "a jpg's application data": lambda: with_segments(
        picture(), *[segment(code, b"d" * 65_000) for code in range(0xE1, 0xF0)]
    ),
    "a jpg's broken exif": lambda: with_segments(picture(), segment(0xE1, EXIF[:-4])),
    "a jpg's exif of another type": lambda: with_segments(picture(), segment(0xE1, EXIF + b"\xff")),
    "a jpg's broken profile": lambda: with_segments(
        picture(), segment(0xE2, b"ICC_PROFILE\0\x09\x01" + b"no profile")
    ),
    "a jpg's broken list of pictures": lambda: with_segments(
        picture(), segment(0xE2, b"MPF\0MM\0*\xff\xff\xff\xff")
    ),
    "a jpg's markers in a comment": lambda: with_segments(
        picture(), segment(0xFE, b"\xff\xda\0\x02\xff\xd9" * 500)
    ),
    "bytes behind EOI": lambda: picture() + b"\xff\xd8\xff\xe1 a film of the moment" * 99,
}  # fmt: skip


@pytest.mark.parametrize("make", SIDE_DATA.values(), ids=SIDE_DATA.keys())
def test_what_stands_beside_a_picture_is_not_judged(
    make: Callable[[], bytes], tmp_path: Path
) -> None:
    facts = inspect_upload(make())
    assert (facts.width, facts.height) == (400, 300)
    path, target = tmp_path / "a", tmp_path / "a.jpg"
    path.write_bytes(make())
    assert make_poster(path, "image", target)
    with Image.open(target) as poster:
        assert poster.size == (400, 300)


def test_a_png_is_turned_as_its_exif_says() -> None:
    exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    facts = inspect_upload(with_chunks(chunk(b"eXIf", exif)))
    assert (facts.width, facts.height) == (300, 400)


def inside(data: bytes, parent: bytes, *more: bytes) -> bytes:
    """The clip with more boxes at the end of its last box of a kind; `moov` stands last."""
    at = data.index(parent) - 4
    size = int.from_bytes(data[at : at + 4], "big")
    assert at + size == len(data)
    extra = b"".join(more)
    return data[:at] + struct.pack(">I", size + len(extra)) + data[at + 4 :] + extra


TAILS: dict[str, bytes] = {
    "zeros": b"\0" * 1000,
    "three bytes": b"abc",
    "a text": b"camera model X, 2019, and its serial number " * 20,
    "a box that promises more": struct.pack(">I4s", 2**31, b"free") + b"\0" * 50,
    "a box shorter than its head": struct.pack(">I4s", 3, b"free") + b"\0" * 50,
    "a box of 64 bits that is cut": struct.pack(">I4sQ", 1, b"skip", 2**60),
    "odd side data": box(b"udta", b"\xff" * 99) + box(b"meta", b"\0\0"),
    "the head of a box": b"\0\0\0\x20fre",
    "twenty thousand boxes": box(b"free", b"") * 20_000,
    "an index that lies": box(b"trak", box(b"stco", struct.pack(">III", 0, 1, 2**31))),
}


@pytest.mark.parametrize("front", [False, True], ids=["index last", "index first"])
@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS.keys())
def test_bytes_behind_the_last_box_are_nobody_s(tail: bytes, front: bool, tmp_path: Path) -> None:
    data = clip(front=front) + tail
    facts = inspect_upload(data)
    assert (facts.width, facts.height) == (320, 240)
    assert facts.duration == pytest.approx(2, abs=0.1)
    path = tmp_path / "a"
    path.write_bytes(data)
    assert verify_result(path, "video").width == 320
    assert make_poster(path, "video", tmp_path / "a.jpg")


@pytest.mark.parametrize("most", [300, 900, 5000])
def test_the_begin_of_a_film_behind_its_end_is_nobody_s(most: int) -> None:
    """A download that was taken up again from its begin, or two files that were joined by hand."""
    data = clip(front=True)
    for tail in (data[:most], box(b"moov", b"") + data[:most], struct.pack(">I4s", 2**31, b"moov")):
        assert inspect_upload(data + tail).duration == pytest.approx(2, abs=0.1)
    lying = box(b"stsz", struct.pack(">III", 0, 0, 2**31))
    for _ in range(2):  # one inside another is read by FFmpeg
        lying = box(b"moov", lying)
    assert refused(data[: data.index(b"moov") - 4] + lying).code == "file_cut"


@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS.keys())
def test_other_containers_have_tails_too(tail: bytes) -> None:
    assert inspect_upload(clip("mov") + tail).mime == "video/quicktime"
    assert inspect_upload(sound("ipod", "aac") + tail).suffix == ".m4a"
    assert inspect_upload(wav() + tail).duration == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    "tail",
    [b"TAG" + b"\0" * 125, b"APETAGEX" + b"\0" * 24, b"\0" * 4000],
    ids=["v1", "ape", "zeros"],
)
def test_the_tags_behind_an_mp3_are_not_sound(tail: bytes) -> None:
    plain = inspect_upload(sound("mp3", "libmp3lame")).duration
    assert inspect_upload(sound("mp3", "libmp3lame") + tail).duration == pytest.approx(
        plain, abs=0.1
    )


def id3(size: int) -> bytes:
    return b"ID3\4\0\0" + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + b"\0" * size


def ape(size: int) -> bytes:
    ends = [struct.pack("<8sIIIIQ", b"APETAGEX", 2000, size + 32, 1, on << 29, 0) for on in (5, 4)]
    return ends[0] + b"\0" * size + ends[1]


FRONTS: dict[str, bytes] = {
    "id3": id3(90),
    "id3 with a cover": id3(40_000),
    "id3 twice": id3(90) + id3(3000),
    "id3 with a foot": id3(90).replace(b"\4\0\0", b"\4\0\x10", 1) + b"3DI\4\0\x10\0\0\0\x5a",
    "ape": ape(90),
    "a long ape": ape(40_000),
    "zeros": b"\0" * 800,
    "id3, zeros and ape": id3(90) + b"\0" * 3000 + ape(900),
}


@pytest.mark.parametrize("front", FRONTS.values(), ids=FRONTS.keys())
@pytest.mark.parametrize(("container", "codec"), [("mp3", "libmp3lame"), ("adts", "aac")])
def test_the_tags_in_front_of_a_sound_are_not_sound(
    container: str, codec: str, front: bytes
) -> None:
    data = sound(container, codec)
    plain = inspect_upload(data)
    facts = inspect_upload(front + data)
    assert (facts.mime, facts.suffix) == (plain.mime, plain.suffix)
    assert facts.duration == pytest.approx(plain.duration, abs=0.1)
    assert refused(front).code in ("not_media", "file_cut")
    assert refused(front + b"a text").code in ("not_media", "file_cut")


def test_a_tagged_sound_that_is_not_taken_is_named() -> None:
    error = refused(id3(90) + sound("flac", "flac"))
    assert (error.code, "FLAC" in error.message) == ("unsupported_type", True)


@pytest.mark.parametrize(
    "kind",
    [b"free", b"skip", b"pnot", b"udta", b"uuid", b"styp", b"sidx", b"emsg", b"meta", b"junk"],
)
def test_a_film_may_begin_with_any_box(kind: bytes) -> None:
    # In place of the brand, as in the old QuickTime, so that each sample stays where it is.
    data = clip("mov")
    begin = data.index(b"mdat") - 4
    assert inspect_upload(box(kind, b"\0" * (begin - 8)) + data[begin:]).suffix == ".mov"
    front = box(kind, b"\0" * 40)
    assert refused(front).code == refused(front + box(b"moov", b"")).code == "file_cut"
    assert refused(front + branded(b"heic")).code == "unsupported_type"
    assert refused(b"It's" + kind + b" of charge").code == "not_media"


def test_odd_side_data_inside_the_index_is_not_judged() -> None:
    odd = [box(b"udta", box(b"meta", b"\xff" * 9) + b"\0\0\0\0"), box(b"meta", b"\0" * 7)]
    assert inspect_upload(inside(clip(), b"moov", *odd)).width == 320
    lying = struct.pack(">I4s", 9999, b"free") + b"\0" * 8
    assert inspect_upload(inside(clip(), b"moov", lying)).width == 320


@pytest.mark.parametrize("lost", [1, 5, 40])
def test_a_clip_without_its_last_sample_is_cut(lost: int) -> None:
    data = clip(front=True)
    assert refused(data[:-lost]).code == "file_cut"
    assert refused(data[:-lost] + TAILS["odd side data"][: lost // 2]).code == "file_cut"


def fragmented(by: str, frames: int) -> bytes:
    with tempfile.NamedTemporaryFile() as file:
        options = {"movflags": f"{by}+empty_moov"}
        with av.open(file.name, "w", format="mp4", options=options) as out:
            video = out.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
            video.width, video.height, video.pix_fmt, video.gop_size = 320, 240, "yuv420p", 8
            for _ in range(frames):
                out.mux(video.encode(av.VideoFrame(320, 240, "yuv420p")))
            out.mux(video.encode(None))
        return Path(file.name).read_bytes()


def test_a_film_may_have_a_fragment_for_each_frame() -> None:
    data = fragmented("frag_every_frame", 1800)
    assert data.count(b"moof") == 1800
    assert inspect_upload(data).duration == pytest.approx(75, abs=0.1)


def test_a_fragment_without_its_data_is_cut() -> None:
    data = fragmented("frag_keyframe", 24)
    assert data.count(b"moof") > 1 and inspect_upload(data).width == 320
    last = data.rindex(b"mdat") - 4
    for tail in (b"", *TAILS.values(), data[data.rindex(b"mfra") - 4 :]):
        assert refused(data[:last] + tail).code == "file_cut"


def test_a_wave_s_header_may_lie() -> None:
    data = bytearray(wav())
    struct.pack_into("<I", data, data.index(b"data") + 4, 0xFFFFFFFF)
    assert inspect_upload(bytes(data)).duration == pytest.approx(1, abs=0.1)


def test_a_bomb_of_frames_costs_its_first(tmp_path: Path) -> None:
    frames = [Image.new("P", (16, 16), number % 2) for number in range(500)]
    path = tmp_path / "a"
    frames[0].save(path, "GIF", save_all=True, append_images=frames[1:])
    assert verify_result(path, "image").width == 16
