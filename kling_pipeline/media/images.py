"""Pictures: their size, whether they are whole, and small copies of them. In a decoder process only."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from kling_pipeline.media.formats import HEAD, Format, Unreadable, sniff
from kling_pipeline.media.jpeg import read_jpeg
from kling_pipeline.media.png import read_png, strip_png

__all__ = ["measure", "save_small", "thumbnail"]

# A PNG is read through and a plain JPG is decoded at an eighth: neither takes memory by its size.
MAX_PIXELS = 200_000_000
# All others are held whole, at four bytes a pixel, a progressive JPG at up to six: a phone's 108 megapixels.
MAX_HELD = 110_000_000
_ORIENTATION = 0x0112
_SIDEWAYS = {5, 6, 7, 8}  # EXIF orientations that turn the picture by a quarter
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip
_DRAFT = 8  # the coarsest that a JPG is decoded at
_GREY = (128, 128, 128, 255)

Image.MAX_IMAGE_PIXELS = None  # the limits above are checked by format


def measure(file: BinaryIO, format: Format) -> tuple[int, int]:
    """Width and height in px as shown, of the first frame; Unreadable when too large or not whole.

    Nothing is decoded before the header was found to promise at most what can be borne.
    """
    try:
        if format.picture == "PNG":
            width, height, exif = read_png(file, MAX_PIXELS)
            turned = _turn(exif) in _SIDEWAYS
        else:
            with _opened(file, format) as (picture, turn):
                # Read to its end: a JPG at an eighth, all others whole.
                width, height = picture.size
                picture.draft("RGB", (width // _DRAFT or 1, height // _DRAFT or 1))
                picture.load()
            turned = turn in _SIDEWAYS
        return (height, width) if turned else (width, height)
    except (Unreadable, MemoryError):
        raise
    except Exception:  # Pillow's readers raise whatever a broken file made of them
        raise Unreadable("file_cut", f"This {format.name} is damaged or not whole.") from None


def thumbnail(path: Path, target: Path, side: int) -> None:
    """Write a JPG whose longer side is at most `side` px; raises whatever a broken file makes."""
    with path.open("rb") as file:
        format = sniff(file.read(HEAD))
        if format is None or not format.picture:
            raise Unreadable("file_cut", "There is no decoder for this picture.")
        with _opened(file, format) as (picture, turn):
            picture.draft("RGB", (side * 2, side * 2))
            save_small(picture, target, side, turn)


def save_small(picture: Image.Image, target: Path, side: int, turn: int = 1) -> None:
    """Write a JPG of a picture, turned as its EXIF says, on grey where it is transparent."""
    clear = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    mode = "RGBA" if clear else "RGB"
    # Made small before anything else: each further copy of a large picture is hundreds of megabytes.
    small = picture if picture.mode == mode else picture.convert(mode)
    small.thumbnail((side, side), reducing_gap=2.0)
    if clear:
        small = Image.alpha_composite(Image.new("RGBA", small.size, _GREY), small).convert("RGB")
    if turn in _TURNS:
        small = small.transpose(_TURNS[turn])
    small.save(target, "JPEG", quality=82, optimize=True)


@contextlib.contextmanager
def _opened(file: BinaryIO, format: Format) -> Iterator[tuple[Image.Image, int]]:
    """A picture and its EXIF orientation; JPG and PNG without the side data that may defeat a reader."""
    most, exif = MAX_HELD, b""
    file.seek(0)
    if format.picture == "PNG":
        _, _, exif = read_png(file, MAX_PIXELS)
        file = strip_png(file)
    elif format.picture == "JPEG":
        jpeg = read_jpeg(file.read())
        most = MAX_HELD if jpeg.progressive else MAX_PIXELS
        exif, file = jpeg.exif, io.BytesIO(jpeg.bare)
    with Image.open(file, formats=(format.picture,)) as picture:
        pixels = picture.width * picture.height
        if pixels > most:
            message = f"{pixels / 1e6:.0f} megapixels; at most {most // 1_000_000}."
            raise Unreadable("image_too_large", message)
        yield picture, _turn(exif) if exif else _own_turn(picture)


def _turn(exif: bytes) -> int:
    """Return the orientation in EXIF data; 1 when there is none that can be read."""
    found = Image.Exif()
    try:
        found.load(exif)
        return int(found.get(_ORIENTATION, 1))
    except Exception:  # side data is skipped, not judged, whatever Pillow raises for it
        return 1


def _own_turn(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # as above
        return 1
