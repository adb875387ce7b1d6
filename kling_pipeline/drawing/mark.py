"""The quiet tag at the lower right that says what this is."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from kling_pipeline.drawing.noise import Field
from kling_pipeline.drawing.planes import Bytes2D, Planes, cover

WHITE, DARK = 222, 22


@dataclass(frozen=True)
class Mark:
    """A tag for frames of one size: `simulated`, and in clips a counter such as `024/120`."""

    size: tuple[int, int]
    total: int = 0
    shown: bool = True

    def stamp(self, planes: Planes, number: int = 0) -> None:
        """Lay the tag over planes in place."""
        if not self.shown:
            return
        text = f"{number:0{len(str(self.total))}d}/{self.total}" if self.total else ""
        light, alpha = _tag(self.size, text)
        height, width = planes[0].shape
        rows, columns = light.shape
        edge = round(min(self.size) * 0.022) // 2 * 2
        top, left = (height - rows - edge) // 2 * 2, (width - columns - edge) // 2 * 2
        if top < 0 or left < 0:
            return
        cover(planes[0][top : top + rows, left : left + columns], light, alpha)
        grey = alpha[::2, ::2]
        for plane in planes[1:]:
            area = plane[top // 2 : (top + rows) // 2, left // 2 : (left + columns) // 2]
            cover(area, (grey // 2).astype(np.uint8), grey)


def stamp_rgb(picture: NDArray[np.uint8], size: tuple[int, int]) -> None:
    """Lay the plain tag over an RGB picture of `size` (width, height) in place."""
    light, alpha = _tag(size, "")
    rows, columns = light.shape
    edge = round(min(size) * 0.022) // 2 * 2
    top, left = size[1] - rows - edge, size[0] - columns - edge
    if top < 0 or left < 0:
        return
    for channel in range(3):
        cover(picture[top : top + rows, left : left + columns, channel], light, alpha)


def _tag(size: tuple[int, int], text: str) -> tuple[Bytes2D, Bytes2D]:
    """Premultiplied light and alpha of the tag; its width does not change with the digits."""
    plate, word, steps = _plate(size, "".join("/" if c == "/" else "0" for c in text))
    glyph = word.copy()
    for x, sign in zip(steps, text, strict=True):
        ink = _sign(size, sign)
        area = glyph[:, x : x + ink.shape[1]]
        np.maximum(area, ink[:, : area.shape[1]], out=area)
    alpha = glyph + plate * (1 - glyph)
    light = glyph * WHITE + plate * (1 - glyph) * DARK
    return light.round().astype(np.uint8), (alpha * 255).round().astype(np.uint8)


def _measure(size: tuple[int, int]) -> tuple[int, int, int]:
    """Letter size, height and padding of the tag in pixels."""
    letter = max(9, round(min(size) * 0.018))
    return letter, round(letter * 1.75) // 2 * 2, round(letter * 0.62)


@lru_cache(maxsize=4)
def _plate(size: tuple[int, int], shape: str) -> tuple[Field, Field, list[int]]:
    letter, high, pad = _measure(size)
    font = ImageFont.load_default(letter)
    begin = pad + round(font.getlength("simulated")) + (round(letter * 0.7) if shape else 0)
    steps = [begin]
    for sign in shape:
        steps.append(steps[-1] + _sign(size, sign).shape[1])
    wide = (steps[-1] + pad + 1) // 2 * 2
    back = Image.new("L", (wide * 4, high * 4))
    box = (0, 0, wide * 4 - 1, high * 4 - 1)
    ImageDraw.Draw(back).rounded_rectangle(box, letter * 1.4, fill=96)
    plate = np.asarray(back.resize((wide, high), Image.Resampling.BOX)).astype(np.float32) / 255
    ink = Image.new("L", (wide, high))
    ImageDraw.Draw(ink).text((pad, high / 2), "simulated", fill=205, font=font, anchor="lm")
    return plate, np.asarray(ink).astype(np.float32) / 255, steps[:-1]


@lru_cache(maxsize=48)
def _sign(size: tuple[int, int], sign: str) -> Field:
    letter, high, _ = _measure(size)
    font = ImageFont.load_default(letter)
    signs = "/" if sign == "/" else "0123456789"
    wide = max(round(font.getlength(s)) for s in signs)
    ink = Image.new("L", (wide, high))
    ImageDraw.Draw(ink).text((wide / 2, high / 2), sign, fill=165, font=font, anchor="mm")
    return np.asarray(ink).astype(np.float32) / 255
