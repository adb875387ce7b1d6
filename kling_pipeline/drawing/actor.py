"""What stands in a landscape: small figures cut from paper, placed by their feet."""

from collections.abc import Callable
from math import sin

import numpy as np
from PIL import Image, ImageDraw

from kling_pipeline.drawing.cutouts import FIGURES, Figure, Point
from kling_pipeline.drawing.heavens import even
from kling_pipeline.drawing.noise import Field
from kling_pipeline.drawing.palette import Colour, mix, read_colour
from kling_pipeline.drawing.photo import read_rgb
from kling_pipeline.drawing.sheet import Layer, Sheet, cut_sheet
from kling_pipeline.drawing.words import Brief


def cast_actor(brief: Brief, ground: float, floats: bool) -> list[Layer]:
    """The brief's actor standing, swimming or flying at the row `ground`; nothing if there is none."""
    if brief.actor not in FIGURES:
        return []
    build, size, tone = FIGURES[brief.actor]
    rng = brief.dice("actor")
    side = even(brief.unit * size * rng.uniform(0.9, 1.1))
    colour = (
        brief.tint if brief.tint is not None and sum(read_colour(tone)) > 1 else read_colour(tone)
    )
    x = brief.width * rng.uniform(0.36, 0.6)
    if brief.actor == "birds":
        return _flock(brief, build(), side, colour, ground)
    rgb, alpha = _cut(build(), side, colour, brief, bool(rng.random() < 0.5))
    aloft = brief.actor in ("balloon", "lantern")
    y = ground - side * (0.9 if floats else 0.985)
    if aloft:
        y = brief.height * rng.uniform(0.14, 0.24)
    sheet = cut_sheet(rgb, alpha)
    sheet.x, sheet.y, sheet.depth = x - side / 2, y, 1.05
    layers: list[Layer] = []
    bob = side * (0.02 if floats or aloft else 0.0)
    drift = brief.unit * (0.006 if floats or aloft else 0.0)
    sheet.sway = lambda v: (drift * v.seconds, bob * sin(v.seconds * 1.5))
    if floats:
        layers.append(_mirror(rgb, alpha, (sheet.x, ground), sheet.sway))
    layers.append(sheet)
    return layers


def _cut(
    figure: Figure, side: int, colour: Colour, brief: Brief, turn: bool
) -> tuple[Field, Field]:
    big = side * 3
    picture, mask = Image.new("RGB", (big, big)), Image.new("L", (big, big))
    pen, cut = ImageDraw.Draw(picture), ImageDraw.Draw(mask)
    for points, light in figure:
        shape = [((1 - x if turn else x) * big, y * big) for x, y in points]
        tone = colour * min(light, 1.0) if sum(colour) > 1 else colour * (0.5 + light)
        if light > 1.04:
            tone = read_colour("#ffd98a")
        else:
            veil = mix(brief.palette.glow, brief.palette.sky[2], 0.5)
            tone = mix(tone, tone * veil * 1.25, 0.4) * (0.62 if brief.palette.night else 1)
        red, green, blue = (int(min(1.0, float(c)) * 255) for c in tone)
        pen.polygon(shape, fill=(red, green, blue))
        cut.polygon(shape, fill=255)
    small = (side, side)
    rgb = read_rgb(picture.resize(small, Image.Resampling.BOX))
    alpha = np.asarray(mask.resize(small, Image.Resampling.BOX), np.float32) / 255
    return np.clip(rgb / np.maximum(alpha, 0.05)[..., None], 0, 1).astype(np.float32), alpha


def _mirror(rgb: Field, alpha: Field, foot: Point, sway: Callable[..., Point] | None) -> Sheet:
    side = alpha.shape[0]
    cut = round(side * 0.9)
    down = np.linspace(0.62, 0.0, cut, dtype=np.float32)[:, None]
    wave = np.round(np.sin(np.arange(cut) * 28 / side) * side * 0.012).astype(int)
    upside, cover = rgb[:cut][::-1].copy(), alpha[:cut][::-1].copy()
    for row, shift in enumerate(wave):
        upside[row], cover[row] = np.roll(upside[row], shift, 0), np.roll(cover[row], shift)
    sheet = cut_sheet(upside * np.float32(0.7), (cover * down).astype(np.float32))
    sheet.x, sheet.y, sheet.depth = foot[0], foot[1], 1.05
    if sway is not None:
        sheet.sway = lambda v: (sway(v)[0], -sway(v)[1])
    return sheet


def _flock(brief: Brief, figure: Figure, side: int, colour: Colour, ground: float) -> list[Layer]:
    rng = brief.dice("flock")
    middle = brief.width * rng.uniform(0.3, 0.6), brief.height * rng.uniform(0.2, 0.34)
    speed = brief.unit * 0.016
    layers: list[Layer] = []
    for index in range(int(rng.integers(7, 12))):
        size = even(side * rng.uniform(0.55, 1.0))
        sheet = cut_sheet(*_cut(figure, size, colour, brief, False))
        wing = (index + 1) // 2 * (1 if index % 2 else -1)
        sheet.x = middle[0] + wing * side * 1.15 + rng.uniform(-0.3, 0.3) * side
        sheet.y = middle[1] + abs(wing) * side * 0.62 + rng.uniform(-0.2, 0.2) * side
        sheet.depth = 0.6
        beat = rng.uniform(4, 6)
        lift = size * 0.1
        sheet.sway = lambda v, b=beat, h=lift: (speed * (v.seconds - 2), h * sin(v.seconds * b))
        layers.append(sheet)
    return layers
