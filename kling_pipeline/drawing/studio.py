"""The photographer's table: spheres in a dark room, a bottle on a plinth before an arch."""

from math import sin

import numpy as np
from PIL import Image, ImageDraw

from kling_pipeline.drawing.forms import (
    blend_tones,
    build_room,
    cast_shadow,
    shade_round,
    shape_sphere,
)
from kling_pipeline.drawing.heavens import even
from kling_pipeline.drawing.noise import Field
from kling_pipeline.drawing.palette import Colour, mix, read_colour
from kling_pipeline.drawing.sheet import Layer, Sheet, cut_sheet
from kling_pipeline.drawing.words import Brief

# wall, floor, and four things that go with them
ROOMS = (
    ("#23394b", "#15222e", "#d9553a", "#e0b04a", "#d9d6cc", "#2a8a8c"),
    ("#cdbfae", "#c3b3a1", "#2f7f86", "#c8492f", "#e8dfcf", "#d8a85a"),
    ("#1f3530", "#13211e", "#e0b35e", "#c96a3a", "#e6e0cc", "#5f9a78"),
    ("#2b2140", "#191228", "#e26a8a", "#7fb0e8", "#efe6f0", "#f0b35a"),
    ("#b9c4cc", "#aab6bf", "#275a8c", "#e2643c", "#f2f2ee", "#e6b84c"),
    ("#3a1f22", "#221214", "#f0a05a", "#d23f3a", "#f0dccb", "#7a8f6a"),
)


def choose_room(brief: Brief, dark: bool | None = None) -> list[Colour]:
    """The colours of a room and its things; a colour that was asked for becomes the main thing's."""
    rng = brief.dice("room")
    pool = [r for r in ROOMS if dark is None or (sum(read_colour(r[0])) < 1.4) == dark]
    colours = [read_colour(c) for c in pool[int(rng.integers(len(pool)))]]
    if brief.tint is not None:
        colours[2] = brief.tint
    return colours


def pile_spheres(brief: Brief) -> list[Layer]:
    """Six or so glossy spheres on a floor, large ones behind small ones."""
    rng = brief.dice("spheres")
    wall, floor_tone, *things = choose_room(brief)
    unit, width, height = brief.unit, brief.width, brief.height
    line = height * 0.56
    layers: list[Layer] = [_backdrop(brief, line, (wall, floor_tone), (width * 0.5, height * 0.34))]
    sizes = (0.19, 0.14, 0.11, 0.062, 0.05, 0.042)
    spots = (0.06, -0.3, 0.4, -0.1, 0.23, -0.5)
    flip = rng.choice((-1, 1))
    for index, (size, spot) in enumerate(zip(sizes, spots, strict=True)):
        radius = unit * size * rng.uniform(0.88, 1.1)
        near = index / 5
        x = width / 2 + flip * unit * (spot * 1.15 + rng.uniform(-0.03, 0.03))
        foot = line + unit * (0.13 + 0.11 * near + rng.uniform(-0.01, 0.02))
        colour = things[index % 4] if index else things[0]
        depth = 0.75 + 0.5 * near
        for reach, dark in ((1.5, 0.5), (0.85, 0.75)):
            shadow = cast_shadow(
                (x + radius * 0.25, foot - radius * 0.02),
                (radius * reach, radius * reach * 0.22),
                dark,
            )
            shadow.depth = depth
            layers.append(shadow)
        ball = shape_sphere((x, foot - radius), radius, colour, (wall * 1.3, floor_tone))
        ball.depth = depth
        layers.append(ball)
    return layers


def set_plinth(brief: Brief) -> list[Layer]:
    """A bottle on a round plinth before a lit arch, with two spheres beside it."""
    rng = brief.dice("plinth")
    wall, floor_tone, *things = choose_room(brief)
    unit, width, height = brief.unit, brief.width, brief.height
    middle, line = width * 0.5, height * 0.74
    layers: list[Layer] = [_backdrop(brief, line, (wall, floor_tone), (middle, height * 0.4))]
    layers.append(_arch(brief, (middle, line), unit * 0.25, wall))
    stone = mix(floor_tone, read_colour("#f0e8dc"), 0.22)
    top, foot, half = height * 0.715, height * 0.86, unit * 0.215
    layers += _shadows((middle + unit * 0.06, foot), unit * 0.34)
    layers.append(_plinth((middle, top, foot), half, stone))
    layers += _shadows((middle, top + unit * 0.012), unit * 0.11)
    layers += _bottle((middle, top + unit * 0.015), unit, things[0])
    side = rng.choice((-1, 1))
    for share, size, colour in ((-0.36, 0.05, things[3]), (0.32, 0.032, things[1])):
        x, radius = middle + side * share * unit, unit * size
        layers += _shadows((x + radius * 0.3, foot + unit * 0.015), radius * 1.7)
        ball = shape_sphere(
            (x, foot + unit * 0.015 - radius), radius, colour, (wall, floor_tone), 0.7
        )
        ball.depth = 1.12
        layers.append(ball)
    return layers


def _backdrop(
    brief: Brief, line: float, tones: tuple[Colour, Colour], spot: tuple[float, float]
) -> Sheet:
    pad = even(brief.width * 0.12), even(brief.height * 0.1)
    size = even(brief.width + 2 * pad[0]), even(brief.height + 2 * pad[1])
    lamp = (spot[0] + pad[0], spot[1] + pad[1])
    sheet = cut_sheet(build_room(size, line + pad[1], tones, lamp))
    sheet.x, sheet.y, sheet.depth, sheet.blurred = -pad[0], -pad[1], 0.35, True
    return sheet


def _shadows(at: tuple[float, float], reach: float) -> list[Layer]:
    sheets: list[Layer] = []
    for share, dark in ((1.0, 0.42), (0.62, 0.5)):
        sheet = cast_shadow(at, (reach * share, reach * share * 0.2), dark)
        sheet.depth = 1.0
        sheets.append(sheet)
    return sheets


def _arch(brief: Brief, foot: tuple[float, float], half: float, wall: Colour) -> Sheet:
    high = even(brief.unit * 0.62)
    wide = even(half * 2 + 4)
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
    x -= wide / 2
    inside = np.where(y < half, half - np.hypot(x, y - half), half - np.abs(x))
    alpha = np.clip(inside + 0.5, 0, 1) * 0.85
    fall = (1 - 0.3 * y / high)[..., None]
    rgb = np.clip(mix(wall, read_colour("#fff3e2"), 0.36) * fall * 1.05, 0, 1)
    sheet = cut_sheet(rgb.astype(np.float32), alpha.astype(np.float32))
    sheet.x, sheet.y, sheet.depth = foot[0] - wide / 2, foot[1] - high, 0.5
    return sheet


def _plinth(place: tuple[float, float, float], half: float, stone: Colour) -> Sheet:
    middle, top, foot = place
    tilt = 0.14
    wide, high = even(half * 2 + 4), even(foot - top + 2 * half * tilt + 4)
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
    share = np.clip((x - wide / 2) / half, -1, 1)
    bulge = half * tilt * np.sqrt(np.clip(1 - share * share, 0, 1))
    lid_middle = half * tilt
    side = np.minimum(y - lid_middle, lid_middle + foot - top + bulge - y)
    lid = (1 - np.hypot((x - wide / 2) / half, (y - lid_middle) / (half * tilt))) * half * tilt
    edge = np.minimum(half - np.abs(x - wide / 2), 9)
    alpha = np.clip(np.maximum(np.minimum(side, edge), lid) + 0.5, 0, 1)
    light, shine = shade_round(share, 0.12)
    fall = 1 - 0.28 * np.clip((y - lid_middle) / (foot - top), 0, 1)
    rgb = blend_tones(stone, light * fall * 0.92, shine)
    on_lid = np.clip(lid + 0.5, 0, 1)[..., None]
    rgb = rgb * (1 - on_lid) + np.clip(stone * (1.12 - 0.1 * share[..., None]), 0, 1) * on_lid
    sheet = cut_sheet(np.clip(rgb, 0, 1), alpha.astype(np.float32))
    sheet.x, sheet.y, sheet.depth = middle - wide / 2, top - lid_middle, 1.0
    return sheet


def _bottle(foot: tuple[float, float], unit: int, glass: Colour) -> list[Layer]:
    """The bottle, and the strip of light that wanders over it while the camera moves."""
    wide, high = even(unit * 0.2), even(unit * 0.47)
    mask = Image.new("L", (wide * 4, high * 4))
    pen = ImageDraw.Draw(mask)
    parts = {
        "body": (0.02, 0.3, 0.98, 1.0, 0.11),
        "neck": (0.33, 0.2, 0.67, 0.34, 0.0),
        "cap": (0.27, 0.0, 0.73, 0.215, 0.06),
    }
    masks: dict[str, Field] = {}
    for name, (x0, y0, x1, y1, r) in parts.items():
        mask.paste(0, (0, 0, *mask.size))
        box = (x0 * wide * 4, y0 * high * 4, x1 * wide * 4, y1 * high * 4)
        pen.rounded_rectangle(box, r * wide * 4, fill=255)
        masks[name] = np.asarray(mask.resize((wide, high), Image.Resampling.BOX), np.float32) / 255
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
    share = (x - wide / 2) / (wide * 0.48)
    light, shine = shade_round(np.clip(share, -1, 1), 0.75)
    rgb = blend_tones(glass, light * (1.06 - 0.3 * y / high), shine * 0.6)
    narrow, spark = shade_round(np.clip(share / 0.48, -1, 1), 0.6)
    metal = blend_tones(np.full(3, 0.085, np.float32), narrow, spark * 0.55)
    cap, neck = masks["cap"][..., None], masks["neck"][..., None]
    throat = blend_tones(mix(glass, WHITE_HOT, 0.12), narrow * 0.85, spark * 0.5)
    rgb = rgb * (1 - neck) + throat * neck
    rgb = rgb * (1 - cap) + metal * cap
    label = (np.abs(share) < 1.2) & (y > high * 0.52) & (y < high * 0.8)
    paper = blend_tones(np.array([0.95, 0.93, 0.89], np.float32), 0.25 + 0.75 * light, shine * 0.2)
    rgb[label] = paper[label]
    for top, thick, half in ((0.6, 0.022, 0.3), (0.665, 0.008, 0.4), (0.695, 0.008, 0.27)):
        ink = (np.abs(share) < half) & (y > high * top) & (y < high * (top + thick))
        rgb[ink] *= 0.2
    alpha = np.maximum(np.maximum(masks["body"], masks["neck"]), masks["cap"])
    sheet = cut_sheet(np.clip(rgb, 0, 1), alpha)
    sheet.x, sheet.y, sheet.depth = foot[0] - wide / 2, foot[1] - high, 1.03
    return [sheet, _gleam((foot[0], foot[1] - high * 0.66), (wide, high * 0.62))]


WHITE_HOT = np.ones(3, np.float32)


def _gleam(top: tuple[float, float], size: tuple[float, float]) -> Sheet:
    wide, high = even(size[0] * 0.22), even(size[1])
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
    across = np.clip(1 - np.abs(x / wide * 2 - 1), 0, 1) ** 1.6
    along = np.clip(np.minimum(y, high - y) / (high * 0.08), 0, 1)
    rgb = np.ones((high, wide, 3), np.float32)
    sheet = cut_sheet(rgb, (across * along * 0.34).astype(np.float32))
    sheet.x, sheet.y, sheet.depth = top[0] - wide / 2, top[1], 1.03
    reach = size[0] * 0.3
    sheet.sway = lambda v: (reach * sin(-1.2 + 2.4 * v.t), 0.0)
    return sheet
