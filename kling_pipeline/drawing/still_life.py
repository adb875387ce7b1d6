"""In the studio: glossy spheres on a floor, a bottle on a plinth before an arch, folds of silk."""

import numpy as np
from PIL import Image

from kling_pipeline.drawing.fields import Field, even
from kling_pipeline.drawing.layers import Layer, Planes, Scene, Sprite, View, draw_sprite
from kling_pipeline.drawing.palette import mix, ramp, rgb, to_yuv
from kling_pipeline.drawing.prompt import Shot
from kling_pipeline.drawing.sky import Point

# wall, floor, and four things that go with them
_ROOMS = (
    "#23394b #15222e #d9553a #e0b04a #d9d6cc #2a8a8c",
    "#cdbfae #c3b3a1 #2f7f86 #c8492f #e8dfcf #d8a85a",
    "#1f3530 #13211e #e0b35e #c96a3a #e6e0cc #5f9a78",
    "#2b2140 #191228 #e26a8a #7fb0e8 #efe6f0 #f0b35a",
    "#b9c4cc #aab6bf #275a8c #e2643c #f2f2ee #e6b84c",
    "#3a1f22 #221214 #f0a05a #d23f3a #f0dccb #7a8f6a",
)
# size and place of spheres in shares of the frame
_SPHERES = ((0.19, 0.07), (0.14, -0.35), (0.11, 0.46), (0.062, -0.12), (0.05, 0.26), (0.042, -0.58))
_BESIDE = ((0.05, -0.36), (0.032, 0.32))
_SILKS = ("#c8443c", "#1f7fa8", "#6f42c0", "#d98a3a", "#2f8f78", "#c24a86", "#8a94a6")
_KEY, _HALF = np.array([-0.502, -0.622, 0.602]), np.array([-0.28, -0.348, 0.895])
_WHITE = np.ones(3, np.float32)
_Room = tuple[Field, Field]  # the colours of wall and floor


def draw_still_life(shot: Shot) -> Scene:
    """Glossy spheres; or a bottle on a round plinth before a lit arch, and two spheres beside it."""
    rng, unit, middle = shot.rng(shot.scene), shot.unit, shot.width / 2
    wall, floor, *things = (rgb(word) for word in str(shot.rng("room").choice(_ROOMS)).split())
    if shot.tint is not None:
        things[0] = shot.tint
    plinth, flip, foot = shot.scene == "plinth", rng.choice((-1, 1)), shot.height * 0.86
    line = 0.74 if plinth else 0.56
    layers: list[Layer] = [draw_room(shot, line, wall, floor, (0.5, 0.37))]
    if plinth:
        top, stone = shot.height * 0.715, mix(floor, rgb("#f0e8dc"), 0.22)
        layers += [
            _draw_arch((middle, shot.height * line), unit, mix(wall, rgb("#fff3e2"), 0.36)),
            *_cast_shadow((middle + unit * 0.06, foot), unit * 0.34, 1.0),
            _draw_plinth((middle, top), unit * 0.215, foot - top, stone),
            *_cast_shadow((middle, top + unit * 0.012), unit * 0.11, 1.0),
            _draw_bottle((middle, top + unit * 0.015), unit, things[0], (wall, floor)),
        ]
    for index, (size, spot) in enumerate(_BESIDE if plinth else _SPHERES):
        radius, near = unit * size * rng.uniform(0.88, 1.1), 1.0 if plinth else index / 5
        x = middle + flip * unit * (spot + rng.uniform(-0.03, 0.03))
        y = foot if plinth else shot.height * line + unit * (0.13 + 0.11 * near)
        colour, depth = things[(3 - 2 * index) if plinth else index % 4], 0.75 + 0.4 * near
        layers += _set_sphere((x, y), radius, colour, (wall * 1.3, floor), depth)
    return Scene(shot, layers, (middle, shot.height * 0.59), 0.25)


def _draw_arch(foot: Point, unit: int, colour: Field) -> Sprite:
    high, half = even(unit * 0.62), even(unit * 0.25)
    y, x = np.mgrid[0:high, -half - 2 : half + 2].astype(np.float32)
    inside = np.where(y < half, half - np.hypot(x, y - half), half - np.abs(x))
    at, shade = (foot[0] - half - 2, foot[1] - high), (1.05 - 0.32 * y / high)[..., None]
    return draw_sprite(colour * shade, np.clip(inside + 0.5, 0, 1) * 0.85, at, 0.5)


def draw_room(shot: Shot, line: float, wall: Field, floor: Field, spot: Point) -> Sprite:
    """A wall and a floor that meet softly at the height `line` (of 0..1), lit around `spot`."""
    unit, pad = shot.unit, (even(shot.width * 0.12), even(shot.height * 0.1))
    y = np.arange(-pad[1], shot.height + pad[1], 2)[:, None] / unit
    x = np.arange(-pad[0], shot.width + pad[0], 2) / unit - spot[0] * shot.width / unit
    lit = np.hypot(x * 0.75, y - spot[1] * shot.height / unit) / 0.62
    y = y - line * shot.height / unit
    pool = np.hypot(x * 0.55, (y - 0.16) * 1.6) / 0.5
    edge = np.clip(y / 0.012 + 0.5, 0, 1)[..., None]
    back = wall * (0.42 + 0.75 * np.exp(-(lit**2)))[..., None]
    ground = floor * (0.42 + 0.8 * np.exp(-(pool**2)))[..., None]
    room = back + edge * edge * (3 - 2 * edge) * (ground - back)
    room *= (1 - 0.2 * np.exp(-np.abs(y) / 0.03))[..., None]
    return draw_sprite(room, None, (-pad[0], -pad[1]), 0.35, 2)


def _shade(normal: Field, colour: Field, room: _Room, gloss: float) -> Field:
    """Light on a surface with normals (rows × columns × 3) that mirrors a room's wall and floor."""
    x, y, z = np.moveaxis(normal, -1, 0)
    lit = normal @ _KEY
    wrap = np.clip((lit + 0.45) / 1.45, 0, 1) ** 1.5
    body = colour * (0.1 + 0.98 * wrap[..., None])
    body += room[1] * colour * (np.clip(y, 0, 1) ** 2 * 0.5)[..., None]
    grazing = ((1 - np.clip(z, 0, 1)) ** 3.2 * 0.55 * gloss)[..., None]
    body += grazing * (np.where((y < 0)[..., None], *room) * 1.1 - body)
    shine = np.clip(normal @ _HALF, 0, 1)
    u, v = np.abs(x + 0.274 + 0.25 * (y + 0.341)), np.abs(y + 0.341)
    window = np.clip((0.13 - np.maximum(u, v)) / 0.0455, 0, 1)
    spot = gloss * (0.85 * shine**70 + 0.5 * window)
    spot += 0.22 * shine**12 * (0.4 + 0.6 * np.clip(lit, 0, 1))
    return np.asarray(np.clip(body + spot[..., None] * (_WHITE - body), 0, 1), np.float32)


def _set_sphere(
    foot: Point, radius: float, colour: Field, room: _Room, depth: float
) -> list[Layer]:
    reach = even(radius + 3)
    y, x = (np.mgrid[-reach:reach, -reach:reach] + 0.5) / radius
    square = x * x + y * y
    normal = np.stack((x, y, np.sqrt(np.clip(1 - square, 0, 1))), -1)
    at = (foot[0] - reach, foot[1] - radius - reach)
    colours = _shade(normal, colour, room, 1.0)
    ball = draw_sprite(colours, (1 - np.sqrt(square)) * radius + 0.5, at, depth)
    return [*_cast_shadow((foot[0] + radius * 0.3, foot[1]), radius * 1.5, depth), ball]


def _cast_shadow(at: Point, reach: float, depth: float) -> list[Layer]:
    """A wide and a close shadow on the floor around `at`."""
    layers: list[Layer] = []
    for share, dark in ((1.0, 0.45), (0.6, 0.6)):
        wide, high = even(reach * share * 1.5), even(reach * share * 0.32)
        y, x = (np.mgrid[-high:high, -wide:wide] + 0.5) / (reach * share)
        alpha = np.clip(1 - np.hypot(x, y / 0.21) / 1.45, 0, 1) ** 1.7 * dark
        layers.append(draw_sprite(0 * _WHITE, alpha, (at[0] - wide, at[1] - high), depth))
    return layers


def _draw_plinth(top: Point, half: float, tall: float, stone: Field) -> Sprite:
    lid = half * 0.14  # half the height of the round lid, seen from a little above
    wide, high = even(half * 2 + 4), even(tall + 2 * lid + 4)
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
    x, y = (x - wide / 2) / half, y - lid
    normal = np.stack((x, 0 * x, np.sqrt(np.clip(1 - x * x, 0, 1))), -1)
    side = np.minimum(y, tall + lid * normal[..., 2] - y)
    on_lid = (1 - np.hypot(x, y / lid)) * lid
    colours = _shade(normal, stone, (stone, stone), 0.2)
    colours *= (1 - 0.28 * np.clip(y / tall, 0, 1))[..., None]
    face = stone * (1.12 - 0.1 * x[..., None])
    colours += np.clip(on_lid + 0.5, 0, 1)[..., None] * (face - colours)
    mask = np.maximum(np.minimum(side, half * (1 - np.abs(x))), on_lid) + 0.5
    return draw_sprite(colours, mask, (top[0] - wide / 2, top[1] - lid))


def _draw_bottle(foot: Point, unit: int, glass: Field, room: _Room) -> Sprite:
    """A turned bottle with a label."""
    wide, high = even(unit * 0.2), even(unit * 0.47)
    y = (np.arange(high, dtype=np.float32)[:, None] + 0.5) / high
    # Half the width at each height: the cap, the neck, round shoulders, the body, a round foot.
    at = (0, 0.012, 0.03, 0.205, 0.21, 0.27, 0.3, 0.32, 0.35, 0.4, 0.97, 0.99, 1)
    sides = (0.4, 0.45, 0.46, 0.46, 0.34, 0.34, 0.4, 0.62, 0.85, 0.96, 0.96, 0.92, 0.8)
    radius = np.interp(y, at, sides) * wide / 2
    x = (np.arange(wide) + 0.5 - wide / 2) / radius
    colour = np.where((y < 0.208)[..., None], 0.085, glass * (1.1 - 0.35 * y)[..., None])
    colour = colour * np.ones((1, wide, 1), np.float32)
    label = (y > 0.52) & (y < 0.8) & (np.abs(x) < 1.2)
    colour[label] = rgb("#f4efe6")
    for top, thick, half in ((0.6, 0.022, 0.3), (0.665, 0.008, 0.4), (0.695, 0.008, 0.27)):
        colour[(y > top) & (y < top + thick) & (np.abs(x) < half)] *= 0.2
    normal = np.stack((x, 0 * x - 0.05, np.sqrt(np.clip(1 - x * x, 0, 1))), -1)
    lamps = 0.5 * np.exp(-(((x + 0.48) / 0.11) ** 2)) + 0.18 * np.exp(-(((x - 0.74) / 0.07) ** 2))
    colours = _shade(normal, colour, room, 0.5)
    colours += (lamps * np.where(label, 0.2, 1))[..., None] * (1 - colours)
    colours[label] *= 1.12
    corner = (foot[0] - wide / 2, foot[1] - high)
    return draw_sprite(colours, (1 - np.abs(x)) * radius + 0.5, corner, 1.03)


def draw_silk(shot: Shot) -> Scene:
    """Folds of silk: sines that bend each other, lit from the side, in slow motion."""
    rng = shot.rng("silk")
    slant = rng.uniform(0.15, 0.75) * rng.choice((-1, 1))
    rows = [(np.cos(slant), np.sin(slant), *rng.uniform(0, 6.3, 2))]
    for pace, weight in ((4.6, 1.0), (8.3, 0.62), (14.5, 0.3), (27.0, 0.12)):
        speed = rng.choice((-1, 1)) * rng.uniform(0.8, 1.5)
        rows.append((pace * rng.uniform(0.85, 1.15), rng.uniform(0, 6.3), speed, weight))
    main = rgb(str(shot.rng("silk colour").choice(_SILKS))) if shot.tint is None else shot.tint
    darks = [mix(main, 0.04 * _WHITE, share) for share in (0.9, 0.62, 0.2)]
    table = ramp(np.linspace(0, 1, 1024), np.stack([*darks, main, mix(main, _WHITE, 0.72)]))
    waves, tones = np.array(rows, np.float32), to_yuv(table)

    def paint(canvas: Planes, view: View) -> None:
        # Every fourth pixel is enough for cloth.
        width, height = canvas[0].size
        y, x = np.mgrid[0:height:4, 0:width:4].astype(np.float32)
        x = ((x - width / 2) / view.zoom - view.pan[0]) / height
        y = ((y - height / 2) / view.zoom - view.pan[1]) / height
        t, (cos, sin, turn, swirl) = view.seconds * 0.3, waves[0]
        along, across = x * cos + y * sin, y * cos - x * sin
        along += 0.2 * np.sin(across * 2.1 + turn + 0.6 * t)
        along += 0.07 * np.sin(across * 5.3 - 1.4 * along + swirl - 0.8 * t)
        along += 0.025 * np.sin(across * 9.1 + 6 * along + turn * 3 + 1.1 * t)
        light, crease = np.zeros_like(along), np.ones_like(along)
        for pace, phase, speed, weight in waves[1:]:
            fold = np.sin(pace * along + phase + speed * t + 0.9 * np.sin(across * 1.7 + phase))
            light += weight * fold
            crease *= 1 - weight * 0.4 * np.clip(-fold, 0, 1) ** 2
        lit = 0.5 + 0.5 * np.tanh(1.15 * light)
        share = np.clip(0.04 + (0.6 * lit + 0.4 * lit**7) * crease, 0, 1)
        at = (share * (len(tones) - 1)).astype(np.intp)
        for plane, tone in zip(canvas, tones.T, strict=True):
            field = Image.fromarray(tone[at]).resize(plane.size, Image.Resampling.BILINEAR)
            plane.paste(Image.fromarray((np.asarray(field) + 0.5).astype(np.uint8)))

    return Scene(shot, [paint], (shot.width / 2, shot.height / 2), 0.25)
