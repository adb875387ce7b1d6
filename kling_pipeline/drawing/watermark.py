"""The quiet tag at the lower right that says what this is."""

from collections.abc import Sequence
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from kling_pipeline.drawing.layers import lay


def stamp(planes: Sequence[Image.Image], number: int = 0, total: int = 0) -> None:
    """Lay the tag over planes or one RGB picture: `simulated`, and in clips `024/120`, say."""
    width, height = planes[0].size
    letter, edge = max(9, round(min(width, height) * 0.018)), round(min(width, height) * 0.022)
    text = f"{number:0{len(str(total))}d}/{total}" if total else ""
    plate, word, begin = _draw_tag(letter, len(text))
    ink, font = word.copy(), ImageFont.load_default(letter)
    ImageDraw.Draw(ink).text((begin, ink.height / 2), text, 165, font, "lm")
    left, top = (width - plate.width - edge) // 2 * 2, (height - plate.height - edge) // 2 * 2
    for mask, light in ((plate, 22), (ink, 222)):
        if left >= 0 and top >= 0:
            area = (left, top, left + mask.width, top + mask.height)
            if len(planes) == 1:
                planes[0].paste((light, light, light), area, mask)
            else:
                lay(planes, (light, 128, 128), area, mask)


@lru_cache(maxsize=2)
def _draw_tag(letter: int, signs: int) -> tuple[Image.Image, Image.Image, float]:
    """Masks of the plate and of the word on it, and where so many signs begin."""
    font, pad = ImageFont.load_default(letter), letter * 0.62
    begin = pad + font.getlength("simulated") + (letter * 0.7 if signs else 0)
    wide = begin + font.getlength("0" * (signs - 1)) + (letter * 0.3 if signs else 0) + pad
    size = (round(wide / 2) * 2, round(letter * 1.75) // 2 * 2)
    plate, ink = Image.new("L", (size[0] * 4, size[1] * 4)), Image.new("L", size)
    box = (0, 0, plate.width - 1, plate.height - 1)
    ImageDraw.Draw(plate).rounded_rectangle(box, letter * 1.4, 96)
    ImageDraw.Draw(ink).text((pad, size[1] / 2), "simulated", 205, font, "lm")
    return plate.reduce(4), ink, begin
