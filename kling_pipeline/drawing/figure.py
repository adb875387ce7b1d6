"""People: a friendly bust in flat shapes with soft studio light."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sin

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from kling_pipeline.drawing.forms import build_room
from kling_pipeline.drawing.heavens import even
from kling_pipeline.drawing.noise import Field
from kling_pipeline.drawing.palette import Colour, mix, read_colour
from kling_pipeline.drawing.sheet import Layer, Sheet, cut_sheet
from kling_pipeline.drawing.words import Brief

_SKINS = ("#f0c6a4", "#e0a67e", "#c68457", "#9a5f3c", "#6f4229", "#f6d7bd")
_HAIRS = ("#2a1b16", "#14110f", "#5a321d", "#8c5a2b", "#c9924e", "#7a2f1c", "#8f8b88")
_CLOTHES = ("#5f7a5c", "#2f5d73", "#b5533c", "#d9c7a4", "#3b3450", "#c98a3a", "#e8e2d6")
_GROUNDS = ("#1f5a57", "#d8cbb8", "#2a2748", "#b9c7c2", "#7a3b35", "#c9a878", "#35506b")
BUST = 0.99
Box = tuple[float, float, float, float]
_Shape = tuple[str, float, float, float, float, float]


@dataclass(frozen=True)
class Looks:
    """How one person looks; `hair` is the name of a cut."""

    skin: Colour
    hair_tone: Colour
    cloth: Colour
    ground: Colour
    hair: str
    lashes: bool


def choose_looks(brief: Brief) -> Looks:
    """Looks by chance; a colour that was asked for becomes the clothes'."""
    rng = brief.dice("looks")
    skin, hair, cloth, ground = (
        read_colour(str(rng.choice(row))) for row in (_SKINS, _HAIRS, _CLOTHES, _GROUNDS)
    )
    cut = str(rng.choice(("bun", "bob", "short", "curls", "long")))
    cloth = cloth if brief.tint is None else brief.tint
    return Looks(skin, hair, cloth, ground, cut, bool(rng.random() < 0.6))


def sit_portrait(brief: Brief) -> list[Layer]:
    """A backdrop with a ring of light, and a bust before it that breathes."""
    looks = choose_looks(brief)
    pad = even(brief.width * 0.1), even(brief.height * 0.1)
    size = even(brief.width + 2 * pad[0]), even(brief.height + 2 * pad[1])
    room = build_room(
        size, size[1] * 2.0, (looks.ground, looks.ground), (size[0] * 0.42, size[1] * 0.4)
    )
    back = cut_sheet(np.clip(room * 1.08, 0, 1))
    back.x, back.y, back.depth, back.blurred = -pad[0], -pad[1], 0.3, True
    layers: list[Layer] = [back, _ring(brief, looks)]
    bust = draw_bust(looks, even(brief.unit * BUST))
    bust.x, bust.y = (
        brief.width / 2 - bust.planes[0].shape[1] / 2,
        brief.height - brief.unit * BUST * 0.965,
    )
    bust.depth = 1.0
    lift = brief.unit * 0.003
    bust.sway = lambda v: (lift * sin(v.seconds * 0.9), lift * 1.3 * sin(v.seconds * 1.7))
    layers.append(bust)
    return layers


def find_face(size: tuple[int, int]) -> Box:
    """Where the face of a drawn portrait is: x, y, width and height as shares of `size`."""
    width, height = size
    unit = min(size)
    wide, high = 0.34 * unit * BUST, 0.44 * unit * BUST
    top = height - unit * BUST * (0.965 - 0.215)
    return (width / 2 - wide / 2) / width, top / height, wide / width, high / height


def _ring(brief: Brief, looks: Looks) -> Sheet:
    reach = even(brief.unit * 0.44)
    y, x = np.mgrid[-reach:reach, -reach:reach].astype(np.float32)
    far = np.abs(np.hypot(x, y) - reach * 0.97)
    alpha = np.clip(brief.unit * 0.0022 - far + 0.5, 0, 1) * 0.4
    rgb = np.ones((*far.shape, 3), np.float32) * mix(looks.ground, read_colour("#fff6e6"), 0.6)
    sheet = cut_sheet(rgb, alpha.astype(np.float32))
    sheet.x, sheet.y = brief.width / 2 - reach, brief.height * 0.47 - reach
    sheet.depth = 0.5
    return sheet


def draw_bust(looks: Looks, side: int) -> Sheet:
    """Head and shoulders in a square of `side` pixels."""
    easel = _Easel(side)
    dark = mix(looks.hair_tone, read_colour("#000000"), 0.25)
    if looks.hair in ("long", "bob"):
        low = 0.8 if looks.hair == "long" else 0.64
        easel.lay([("round", 0.285, 0.12, 0.715, low, 0.2)], dark, 0.25)
    if looks.hair == "curls":
        spots = [
            (0.5 + 0.225 * np.cos(a), 0.33 + 0.23 * np.sin(a)) for a in np.linspace(2.6, 6.8, 13)
        ]
        easel.lay(
            [("oval", x - 0.085, y - 0.085, x + 0.085, y + 0.085, 0) for x, y in spots], dark, 0.3
        )
    if looks.hair == "bun":
        easel.lay([("oval", 0.425, 0.02, 0.575, 0.17, 0)], looks.hair_tone, 0.5)
        easel.lay([("oval", 0.3, 0.12, 0.7, 0.6, 0)], dark, 0.3)
    easel.lay([("oval", 0.1, 0.745, 0.9, 1.5, 0)], looks.cloth, 0.42)
    shade = mix(looks.skin, read_colour("#5a1d10"), 0.22)
    easel.lay(
        [("round", 0.425, 0.56, 0.575, 0.8, 0.07), ("oval", 0.4, 0.715, 0.6, 0.83, 0)], shade, 0.2
    )
    ears = [("oval", 0.292, 0.37, 0.352, 0.47, 0), ("oval", 0.648, 0.37, 0.708, 0.47, 0)]
    easel.lay(ears, shade, 0.2)
    face = [("oval", 0.325, 0.17, 0.675, 0.6, 0), ("oval", 0.345, 0.3, 0.655, 0.665, 0)]
    easel.lay(face, looks.skin, 0.62)
    _features(easel, looks)
    _fringe(easel, looks)
    return easel.take()


def _features(easel: "_Easel", looks: Looks) -> None:
    ink = mix(looks.hair_tone, read_colour("#140c0a"), 0.8)
    white = mix(looks.skin, read_colour("#ffffff"), 0.86)
    blush = mix(looks.skin, read_colour("#d8473a"), 0.42)
    for x in (0.4, 0.6):
        easel.lay([("oval", x - 0.045, 0.475, x + 0.045, 0.54, 0)], blush, 0.0, 0.014, 0.4)
    for x in (0.425, 0.575):
        easel.lay([("arc", x - 0.042, 0.338, x + 0.042, 0.39, 0.0115)], ink, 0.0, 0.0008, 0.85)
        easel.lay([("oval", x - 0.031, 0.4, x + 0.031, 0.439, 0)], white, 0.0)
        easel.lay([("oval", x - 0.0165, 0.398, x + 0.0165, 0.44, 0)], ink, 0.0)
        easel.lay(
            [("oval", x - 0.008, 0.404, x + 0.002, 0.415, 0)], read_colour("#ffffff"), 0.0, 0.0, 0.9
        )
        if looks.lashes:
            easel.lay([("arc", x - 0.027, 0.39, x + 0.027, 0.43, 0.007)], ink, 0.0)
    nose = mix(looks.skin, read_colour("#7a2a14"), 0.35)
    easel.lay([("smile", 0.48, 0.468, 0.52, 0.5, 0.0065)], nose, 0.0, 0.0008, 0.8)
    lips = mix(looks.skin, read_colour("#a8262c"), 0.58)
    easel.lay([("smile", 0.44, 0.515, 0.56, 0.578, 0.0125)], lips, 0.0)


def _fringe(easel: "_Easel", looks: Looks) -> None:
    shapes: dict[str, list[_Shape]] = {
        "bun": [("part", 0.315, 0.135, 0.685, 0.37, 0.36)],
        "bob": [("part", 0.305, 0.13, 0.695, 0.4, 0.5)],
        "long": [("part", 0.305, 0.13, 0.695, 0.39, 0.64)],
        "short": [("part", 0.31, 0.115, 0.69, 0.34, 0.3)],
        "curls": [
            (
                "oval",
                0.5 + 0.155 * np.cos(a) - 0.07,
                0.275 + 0.115 * np.sin(a) - 0.065,
                0.5 + 0.155 * np.cos(a) + 0.07,
                0.275 + 0.115 * np.sin(a) + 0.065,
                0,
            )
            for a in np.linspace(3.3, 6.1, 6)
        ],
    }
    easel.lay(shapes[looks.hair], looks.hair_tone, 0.55)


class _Easel:
    """A square on which shapes of 0..1 coordinates are laid with light from the upper left."""

    def __init__(self, side: int) -> None:
        self.side = side
        self.rgb = np.zeros((side, side, 3), np.float32)
        self.alpha = np.zeros((side, side), np.float32)
        line = (np.arange(side, dtype=np.float32) + 0.5) / side
        self.x, self.y = line[None, :], line[:, None]

    def lay(
        self,
        shapes: Sequence[_Shape],
        colour: Colour,
        relief: float,
        blur: float = 0.0,
        power: float = 1.0,
    ) -> None:
        pad, side = blur * 3 + 0.04, self.side
        x0, y0 = min(x[1] for x in shapes) - pad, min(x[2] for x in shapes) - pad
        x1, y1 = max(x[3] for x in shapes) + pad, max(x[4] for x in shapes) + pad
        left, top = max(0, int(x0 * side)), max(0, int(y0 * side))
        right, low = min(side, int(x1 * side) + 1), min(side, int(y1 * side) + 1)
        mask = Image.new("L", ((right - left) * 2, (low - top) * 2))
        pen = ImageDraw.Draw(mask)
        for shape in shapes:
            _trace(pen, shape, side * 2, (left * 2, top * 2))
        small = mask.resize((right - left, low - top), Image.Resampling.BOX)
        if blur:
            small = small.filter(ImageFilter.GaussianBlur(blur * side))
        cover = np.asarray(small, np.float32) / 255 * np.float32(power)
        area = np.s_[top:low, left:right]
        tone = self._light(shapes, relief)[area] if relief else np.ones_like(cover)
        self.rgb[area] += cover[..., None] * (colour * tone[..., None] - self.rgb[area])
        self.alpha[area] += cover * (1 - self.alpha[area])

    def _light(self, shapes: Sequence[_Shape], relief: float) -> Field:
        x0, y0 = min(s[1] for s in shapes), min(s[2] for s in shapes)
        x1, y1 = max(s[3] for s in shapes), max(s[4] for s in shapes)
        u = (self.x - x0 - (x1 - x0) * 0.36) / (x1 - x0)
        v = (self.y - y0 - (y1 - y0) * 0.3) / (y1 - y0)
        far = np.clip(np.hypot(u, v * 0.85) / 0.78, 0, 1.3)
        return (1 + relief * (0.2 - 0.72 * far**1.5)).astype(np.float32)

    def take(self) -> Sheet:
        return cut_sheet(np.clip(self.rgb, 0, 1), np.clip(self.alpha, 0, 1))


def _trace(pen: ImageDraw.ImageDraw, shape: _Shape, side: int, at: tuple[int, int]) -> None:
    kind, x0, y0, x1, y1, more = shape
    box = (x0 * side - at[0], y0 * side - at[1], x1 * side - at[0], y1 * side - at[1])
    if kind == "oval":
        pen.ellipse(box, fill=255)
    elif kind == "round":
        pen.rounded_rectangle(box, more * side, fill=255)
    elif kind in ("arc", "smile"):
        begin, end = (200, 340) if kind == "arc" else (28, 152)
        pen.arc(box, begin, end, fill=255, width=max(2, round(more * side)))
    else:
        _sweep(pen, (x0, y0, x1, y1), more, side, at)


def _sweep(pen: ImageDraw.ImageDraw, box: Box, part: float, side: int, at: tuple[int, int]) -> None:
    """Hair combed from a parting to both sides of the forehead."""
    x0, y0, x1, y1 = box
    turn = np.linspace(np.pi, 2 * np.pi, 60)
    middle, half, high = (x0 + x1) / 2, (x1 - x0) / 2, y1 - y0
    outer = [(middle + half * np.cos(a), y1 - 0.02 + high * np.sin(a)) for a in turn]
    px = x0 + (x1 - x0) * part
    right = [
        (x1 + (px - x1) * s, y1 - high * 0.56 * np.sin(s * np.pi / 2) ** 0.8)
        for s in np.linspace(0, 1, 24)
    ]
    left = [
        (px + (x0 - px) * s, y1 - high * 0.56 * np.cos(s * np.pi / 2) ** 0.8)
        for s in np.linspace(0, 1, 24)
    ]
    line = outer + right + left
    pen.polygon([(x * side - at[0], y * side - at[1]) for x, y in line], fill=255)
