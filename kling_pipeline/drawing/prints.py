"""References in a scene: prints that stand in the air before it, each with its shadow."""

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from kling_pipeline.drawing.figure import find_face
from kling_pipeline.drawing.heavens import even
from kling_pipeline.drawing.photo import read_rgb, soften_oval
from kling_pipeline.drawing.sheet import Layer, Sheet, cut_sheet
from kling_pipeline.drawing.words import Brief

MOST = 7


def hang_prints(brief: Brief, photos: list[Image.Image]) -> list[Layer]:
    """Up to seven pictures as prints in a row, the first one largest and nearest."""
    photos = photos[:MOST]
    sheets: list[Layer] = []
    share = 0.62 if len(photos) == 1 else 0.5 if len(photos) < 4 else 0.36
    tall = brief.unit * share
    shapes = [_shape(p, tall * (1.0 if i == 0 else 0.8)) for i, p in enumerate(photos)]
    gap = brief.unit * 0.055
    total = sum(w for w, _ in shapes) + gap * (len(shapes) - 1)
    squeeze = min(1.0, brief.width * 0.88 / total)
    x = (brief.width - total * squeeze) / 2
    places = []
    for wide, high in shapes:
        places.append((x, wide * squeeze, high * squeeze))
        x += (wide + gap) * squeeze
    for index in reversed(range(len(photos))):
        left, wide, high = places[index]
        top = brief.height * 0.47 - high / 2 + (0 if index == 0 else brief.unit * 0.03)
        sheets.append(
            _print(photos[index], (even(wide), even(high)), (left, top), 1.15 - 0.06 * index)
        )
    return sheets


def _shape(photo: Image.Image, tall: float) -> tuple[float, float]:
    ratio = min(1.9, max(0.55, photo.width / photo.height))
    high = tall if ratio < 1.2 else tall * (1.2 / ratio) ** 0.5
    return high * ratio, high


def _print(
    photo: Image.Image, size: tuple[int, int], at: tuple[float, float], depth: float
) -> Sheet:
    pad = even(size[1] * 0.12)
    border = max(2, round(size[1] * 0.012))
    whole = (size[0] + 2 * pad, size[1] + 2 * pad)
    card = Image.new("RGB", size, (244, 242, 237))
    inner = (size[0] - 2 * border, size[1] - 2 * border)
    card.paste(ImageOps.fit(photo, inner, Image.Resampling.LANCZOS), (border, border))
    rgb = np.zeros((whole[1], whole[0], 3), np.float32)
    rgb[pad : pad + size[1], pad : pad + size[0]] = read_rgb(card)
    shade = Image.new("L", whole)
    shade.paste(150, (pad, pad + pad // 4, pad + size[0], pad + pad // 4 + size[1]))
    shade = shade.filter(ImageFilter.GaussianBlur(pad * 0.3))
    alpha = np.asarray(shade, np.float32) / 255
    alpha[pad : pad + size[1], pad : pad + size[0]] = 1
    sheet = cut_sheet(rgb, alpha)
    sheet.x, sheet.y, sheet.depth = at[0] - pad, at[1] - pad, depth
    return sheet


def swap_face(picture: Image.Image, face: Image.Image, box: tuple[float, ...]) -> Image.Image:
    """The face of a portrait laid softly over the box (x, y, width, height of 0..1); where it is, is a guess."""
    wide, high = picture.size
    size = (max(8, round(box[2] * wide)), max(8, round(box[3] * high)))
    middle = face.crop(_area(face, find_face(face.size)))
    patch = ImageOps.fit(middle, size, Image.Resampling.LANCZOS)
    under = picture.crop(_area(picture, box)).resize(size)
    gain = read_rgb(under).mean((0, 1)) / (read_rgb(patch).mean((0, 1)) + 1e-3)
    # The new face takes a part of the scene's light, so that it belongs, and keeps its own colours.
    lit = np.clip(read_rgb(patch) * (1 + 0.35 * (np.clip(gain, 0.5, 1.6) - 1)), 0, 1)
    out = picture.copy()
    mask = soften_oval(size)
    out.paste(Image.fromarray((lit * 255).astype(np.uint8)), _area(picture, box)[:2], mask)
    return out


def _area(picture: Image.Image, box: tuple[float, ...]) -> tuple[int, int, int, int]:
    wide, high = picture.size
    left, top = round(box[0] * wide), round(box[1] * high)
    return left, top, left + max(8, round(box[2] * wide)), top + max(8, round(box[3] * high))
