"""Pictures: their size from the header, whether they are whole, and small copies of them."""

from __future__ import annotations

import re
import threading
import warnings
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps

from kling_pipeline.formats import Unreadable

__all__ = ["MAX_PIXELS", "measure", "save_small", "thumbnail"]

MAX_PIXELS = 40_000_000
_SIDEWAYS = {5, 6, 7, 8}  # EXIF orientations that turn the picture by a quarter
_ORIENTATION = 0x0112

# Pillow only warns up to twice its limit; a small file of 81 megapixels took 379 MB without a word.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)

# Decoding takes up to 160 MB; one at a time is enough.
_decoding = threading.Lock()


def measure(file: BinaryIO, name: str) -> tuple[int, int]:
    """Width and height in px as shown, of the first frame; Unreadable when too large or not whole.

    Nothing is decoded before the header was found to promise at most MAX_PIXELS.
    """
    try:
        with _decoding, _opened(file) as picture:
            width, height = picture.size
            if picture.getexif().get(_ORIENTATION) in _SIDEWAYS:
                width, height = height, width
            # A JPG is decoded at an eighth, which still reads it to its end.
            picture.draft("RGB", (width // 8 or 1, height // 8 or 1))
            picture.load()
            return width, height
    except Unreadable:
        raise
    except Exception:  # Pillow's readers raise whatever a broken file made of them
        raise Unreadable("file_cut", f"This {name} is damaged or not whole.") from None


def thumbnail(path: Path, target: Path, side: int) -> None:
    """Writes a JPG whose longer side is at most `side` px; raises whatever a broken file makes."""
    with _decoding, path.open("rb") as file, _opened(file) as picture:
        picture.draft("RGB", (side * 2, side * 2))
        save_small(ImageOps.exif_transpose(picture), target, side)


def save_small(picture: Image.Image, target: Path, side: int) -> None:
    """Writes a JPG of a picture in memory, on grey where it is transparent."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        grey = Image.new("RGBA", picture.size, (128, 128, 128, 255))
        picture = Image.alpha_composite(grey, picture.convert("RGBA"))
    small = picture.convert("RGB")
    small.thumbnail((side, side))
    small.save(target, "JPEG", quality=82, optimize=True)


def _opened(file: BinaryIO) -> Image.Image:
    try:
        return Image.open(file, formats=("JPEG", "PNG", "WEBP", "GIF"))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        found = re.search(r"\((\d+) pixels\)", str(error))
        size = f"{int(found[1]) / 1e6:.0f}" if found else "Too many"
        most = MAX_PIXELS // 1_000_000
        raise Unreadable("image_too_large", f"{size} megapixels; at most {most}.") from None
