"""Figures cut from paper: the subjects of landscapes, and people, from flat shapes.

Shapes are written as text, in a square of 100 with the feet at 100: the points of polygons between
bars. `~` before the points smooths them, `o` is an ellipse (centre, radii).
"""

from collections.abc import Sequence
from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from kling_pipeline.drawing.fields import Field, even
from kling_pipeline.drawing.job import Box
from kling_pipeline.drawing.layers import Layer, Scene, draw_sprite
from kling_pipeline.drawing.palette import mix, rgb
from kling_pipeline.drawing.prompt import Shot
from kling_pipeline.drawing.still_life import draw_room

_Group = tuple[str, Field, float]  # shapes, their colour, and how round they look (0 is flat)
# fmt: off
_SKINS = ("#f0c6a4", "#e0a67e", "#c68457", "#9a5f3c", "#6f4229", "#f6d7bd")
_HAIRS = ("#2a1b16", "#14110f", "#5a321d", "#8c5a2b", "#c9924e", "#7a2f1c", "#8f8b88")
_CLOTHES = ("#5f7a5c", "#2f5d73", "#b5533c", "#d9c7a4", "#3b3450", "#c98a3a", "#e8e2d6")
_GROUNDS = ("#1f5a57", "#d8cbb8", "#2a2748", "#b9c7c2", "#7a3b35", "#c9a878", "#35506b")
_BUST = 0.99  # of the frame's shorter side
_CURLS = (
    "|".join(f"o{50 + 22.5 * cos(a)},{33 + 23 * sin(a)} 8.5,8.5" for a in np.linspace(2.6, 6.8, 13)),
    "|".join(f"o{50 + 15.5 * cos(a)},{27.5 + 11.5 * sin(a)} 7,6.5" for a in np.linspace(3.3, 6.1, 6)),
)
_CAP = "38,10 50,9 62,10 70,27 70,40"
# cut → the hair behind the head, and the hair over the forehead
_CUTS = {
    "bun": ("o50,9.5 7.5,7.5|o50,36 20,24", f"~31,38 32,28 {_CAP} 62,31 45,22 36,30"),
    "bob": ("~28,24 38,11 62,11 72,24 73,66 66,66 34,66 27,66", f"~30,40 30,27 {_CAP} 66,32 50,22 34,32"),
    "short": ("o50,34 19.5,22", "~31,36 30,24 38,9 50,7.5 62,9 70,24 69,36 66,29 55,25 41,22 34,28"),
    "curls": _CURLS,
    "long": ("~28,24 38,11 62,11 72,24 74,82 64,82 36,82 26,82", f"~30,42 30,27 {_CAP} 67,30 54,20 36,30"),
}
# name → size in shares of the frame, colour, and groups of shapes, each after its share of light:
# above 1 it glows
_FIGURES: dict[str, tuple[float, str, str]] = {
    "paper boat": (0.27, "#fbf6ea", "1 50,16 29,64 50,70/.74 50,16 71,64 50,70/.97 2,52 20,86 "
        "50,90 50,66/.82 98,52 80,86 50,90 50,66/.6 2,52 50,66 24,66/.5 98,52 50,66 76,66/.7 "
        "14,74.5 20,86 50,90 80,86 86,74.5 50,82"),
    "sailboat": (0.3, "#fff4e0", ".95 52,4 52,72 86,70/.8 48,12 48,72 20,70/.25 49.2,2 51.2,2 51.2,80 "
        "49.2,80/.3 12,77 90,77 78,92 24,92"),
    "balloon": (0.34, "#e2533a", ".2 42.5,76 44,76 46,90 45,90|57.5,76 56,76 54,90 55,90/.3 "
        "44.5,89.5 55.5,89.5 54.5,98.5 45.5,98.5/.62 ~50,2 72,4 88,20 86,42 70,62 58,78 50,79 "
        "42,78 30,62 14,42 12,20 28,4/1 ~50,2 66,4 77,20 76,42 64,62 56,78 50,79 44,78 36,62 "
        "24,42 23,20 34,4/.66 ~50,2 59,4 65,20 65,42 58,62 54,78 50,79 46,78 42,62 35,42 35,20 "
        "41,4/.94 ~50,2 53,4 55,20 55,42 53,62 51,78 50,79 49,78 47,62 45,42 45,20 47,4"),
    "birds": (0.42, "#1a1a22", ".1 " + "|".join(
        f"~{x},{y} {x + 3},{y - 3} {x + 6},{y + 1} {x + 9},{y - 3} {x + 12},{y} {x + 6},{y + 2.4}"
        for x, y in ((44, 20), (32, 27), (57, 26), (22, 36), (69, 33), (11, 42), (84, 45), (40, 47)))),
    "whale": (0.46, "#2b3f52", ".2 ~3,90 8,72 24,60 46,62 64,76 78,86 80,94 40,98 8,96/.16 "
        "~68,92 74,74 78,56 66,48 62,38 72,38 81,46 90,37 100,36 96,47 86,56 84,78 80,94/.9 "
        "~20,58 17,40 9,30 16,31 20,38 24,30 31,29 24,40 23,58"),
    "lighthouse": (0.42, "#f4ead8", ".06 ~2,104 12,95 25,84 45,79 70,83 90,96 98,104/.92 43,30 "
        "57,30 62,86 38,86/.36 41.5,45 58.5,45 59.4,56 40.6,56|39.7,67 60.3,67 61.2,78 38.8,78"
        "/.2 40,27.5 60,27.5 60,30.5 40,30.5/1.25 45,19 55,19 55,27.5 45,27.5/.22 43,19 50,12 "
        "57,19"),
    "cat": (0.3, "#1a1620", ".08 ~60,96 84,97 94,82 92,64 84,54 80,58 86,66 86,78 78,87 60,88/.1 "
        "~44,26 50,26 60,40 68,60 72,80 70,97 54,101 34,101 26,96 26,80 30,60 36,42|o47,28 "
        "15.5,13.5|~31,30 31,4 44,17|~63,30 63,4 50,17"),
    "dog": (0.3, "#2a1c16", ".08 26,62 33,62 31.5,100 26.5,100|34,62 41,62 39.5,100 34.5,100"
        "|62,62 69,62 67.5,100 62.5,100|70,62 77,62 75.5,100 70.5,100/.1 ~18,56 22,36 34,36 "
        "44,48 70,48 84,54 82,70 64,72 44,70 26,72|~76,56 96,34 99,38 82,62|~5,30 18,24 24,18 "
        "34,22 36,34 28,42 8,37/.06 ~25,20 35,14 38,36 28,34"),
    "walker": (0.22, "#2a2430", ".08 40,60 51,60 46,84 42,100 34,100 38,82|49,60 60,60 63,80 "
        "70,98 62,100 55,82|28,46 29.5,46 25,100 23.5,100/.12 o50,12 6.5,8|~42,23 50,20 58,23 "
        "63,44 64,64 36,64 38,42/.2 ~56,24 69,28 70,48 60,54|~43,24 34,48 30,48 37,24"),
    "car": (0.26, "#d2452f", ".4 ~14,70 32,46 46,44 68,46 88,70/1.1 29,66 37,52 49,52 49,66"
        "|52,66 52,52 64,52 73,66/.62 ~1,78 8,66 88,65 99,73 99,90 2,90/.05 o24,88 9.5,9.5"
        "|o77,88 9.5,9.5/.5 o24,88 4,4|o77,88 4,4"),
    "cabin": (0.24, "#4a2f24", ".12 68,28 76,28 76,50 68,50/.16 16,56 84,56 84,100 16,100/.08 "
        "6,60 50,22 94,60|56,66 72,66 72,100 56,100/1.3 26,66 42,66 42,82 26,82"),
    "lantern": (0.2, "#ffb24a", ".15 44,10 56,10 62,20 38,20|36,84 64,84 60,92 40,92/1.2 ~30,22 "
        "70,22 78,50 68,86 32,86 22,50"),
}
# fmt: on


def draw_subject(shot: Shot, ground: float, floats: bool = False) -> list[Layer]:
    """The shot's subject standing, swimming or flying at the row `ground`; none for no subject."""
    if shot.subject not in _FIGURES:
        return []
    rng, size = shot.rng("actor"), _FIGURES[shot.subject][0]
    side = even(shot.unit * size * rng.uniform(0.9, 1.1))
    x, turned = shot.width * rng.uniform(0.36, 0.6) - side / 2, rng.random() < 0.5
    picture, alpha = _draw_figure(_light_groups(shot), side)
    if turned:
        picture, alpha = picture[:, ::-1], alpha[:, ::-1]
    aloft = shot.subject in ("balloon", "lantern", "birds")
    y = ground - side * (0.9 if floats else 0.985)
    if aloft:
        y = shot.height * rng.uniform(0.14, 0.24)
    bob, drift = (side * 0.02, shot.unit * 0.006) if floats or aloft else (0.0, 0.0)
    figure = draw_sprite(picture, alpha, (x, y), 1.05)
    figure.drift = lambda v: (drift * v.seconds, bob * sin(v.seconds * 1.5))
    if not floats or aloft:
        return [figure]
    rows = np.arange(even(side * 0.9))[::-1, None]
    wave = np.sin(rows[::-1] * 28 / side) * side * 0.012
    at = (rows, (np.arange(side) - wave.round().astype(int)) % side)
    shown = alpha[at] * np.linspace(0.62, 0.0, rows.size)[:, None]
    mirror = draw_sprite(picture[at] * 0.7, shown, (x, ground), 1.05)
    mirror.drift = lambda v: (drift * v.seconds, -bob * sin(v.seconds * 1.5))
    return [mirror, figure]


def _light_groups(shot: Shot) -> list[_Group]:
    """The subject's shapes in the light of the scene."""
    palette, (_, colour, shapes) = shot.palette, _FIGURES[shot.subject]
    bright, glow = sum(rgb(colour)) > 1, mix(palette.glow, palette.sky[2], 0.5) * 1.25
    paper = shot.tint if shot.tint is not None and bright else rgb(colour)
    groups: list[_Group] = []
    for part in shapes.split("/"):
        light, text = float(part.split()[0]), part.partition(" ")[2]
        own = paper * min(light, 1.0) if bright else paper * (0.5 + light)
        lit = mix(own, own * glow, 0.4) * (0.62 if palette.night else 1)
        groups.append((text, rgb("#ffd98a") if light > 1.04 else np.clip(lit, 0, 1), 0.0))
    return groups


def draw_portrait(shot: Shot) -> Scene:
    """A backdrop with a ring of light, and a bust before it that breathes."""
    rng, unit = shot.rng("looks"), shot.unit
    rows = (_SKINS, _HAIRS, _CLOTHES, _GROUNDS)
    skin, hair, cloth, ground = (rgb(str(rng.choice(row))) for row in rows)
    cut = str(rng.choice(list(_CUTS)))
    reach, side = even(unit * 0.44), even(unit * _BUST)
    far = np.abs(np.hypot(*np.mgrid[-reach:reach, -reach:reach]) - reach * 0.97)
    at = (shot.width / 2 - reach, shot.height * 0.47 - reach)
    line = np.clip(unit * 0.0022 + 0.5 - far, 0, 1) * 0.4
    ring = draw_sprite(mix(ground, rgb("#fff6e6"), 0.6), line, at, 0.5)
    groups = _dress(skin, hair, cloth if shot.tint is None else shot.tint, cut, rng.random() < 0.6)
    picture, alpha = _draw_figure(groups, side, blurred=6)
    at = (shot.width / 2 - side / 2, shot.height - unit * _BUST * 0.965)
    bust = draw_sprite(picture, alpha, at)
    lift = unit * 0.003
    bust.drift = lambda v: (lift * sin(v.seconds * 0.9), lift * 1.3 * sin(v.seconds * 1.7))
    room = draw_room(shot, 9.0, ground * 1.08, ground, (0.42, 0.4))
    return Scene(shot, [room, ring, bust], (shot.width / 2, shot.height * 0.42), 0.24, step=3)


def find_face(size: tuple[int, int]) -> Box:
    """Where the face of a drawn portrait is: x, y, width and height as shares of `size`."""
    (width, height), unit = size, min(size) * _BUST
    wide, high = 0.34 * unit, 0.44 * unit
    return (width - wide) / 2 / width, (height - unit * 0.75) / height, wide / width, high / height


def _dress(skin: Field, hair: Field, cloth: Field, cut: str, lashes: bool) -> list[_Group]:
    """The groups of a bust, from back to front; number 6 is the blush."""
    behind, fringe = _CUTS[cut]
    white, shade = rgb("#ffffff"), mix(skin, rgb("#5a1d10"), 0.22)
    ink = mix(hair, rgb("#140c0a"), 0.8)
    lid = "~{0},41.3 {1},39.6 {2},39 {3},39.6 {4},40.6 {3},40.2 {2},39.9 {1},40.4"
    brow = "~{0},35.8 {1},34.3 {2},33.7 {3},34.2 {4},35.9 {3},35.3 {2},34.9 {1},35.3"
    left, right = (46, 44.6, 42.5, 40.4, 38.6), (54, 55.4, 57.5, 59.6, 61.4)
    return [
        (behind, mix(hair, rgb("#000000"), 0.25), 0.3),
        ("o50,112 40,37.8", cloth, 0.42),
        ("~42,54 58,54 57,70 62,80 50,86 38,80 43,70", shade, 0.2),
        ("o32.2,42 3,5|o67.8,42 3,5", shade, 0.2),
        ("o50,38.5 17.5,21.5|o50,48.2 15.5,18.2", skin, 0.62),
        (f"{brow.format(*left)}|{brow.format(*right)}", ink, 0),
        ("o40,50.8 4.5,3.2|o60,50.8 4.5,3.2", mix(skin, rgb("#d8473a"), 0.45), 0),
        ("o42.5,42 3.1,2|o57.5,42 3.1,2", mix(skin, white, 0.86), 0),
        ("o42.5,41.9 1.65,2.1|o57.5,41.9 1.65,2.1", ink, 0),
        ("o42.2,41 .5,.55|o57.2,41 .5,.55", white, 0),
        (f"{lid.format(*left)}|{lid.format(*right)}", ink if lashes else shade, 0),
        ("~47.8,48.9 49,50 50,50.3 51,50 52.2,48.9 51.2,50.9 50,51.3 48.8,50.9", shade, 0),
        ("~43.6,54.9 46.5,56.3 50,56.8 53.5,56.3 56.4,54.9 54,57.6 50,58.7 46,57.6",
         mix(skin, rgb("#a8262c"), 0.58), 0),
        (fringe, hair, 0.55),
    ]  # fmt: skip


def _draw_figure(groups: Sequence[_Group], side: int, blurred: int = -1) -> tuple[Field, Field]:
    """Colours (side × side × 3) and mask; the group number `blurred` is soft and half clear."""
    rgb, alpha = np.zeros((side, side, 3), np.float32), np.zeros((side, side), np.float32)
    for index, (text, colour, relief) in enumerate(groups):
        polygons = [_read_shape(shape) for shape in text.split("|")]
        points = np.array([point for polygon in polygons for point in polygon])
        low, high = points.min(0), points.max(0)
        left, top = (max(0, int((v - 0.04) * side)) for v in low)
        right, end = (min(side, int((v + 0.04) * side) + 1) for v in high)
        mask = Image.new("L", ((right - left) * 3, (end - top) * 3))
        pen = ImageDraw.Draw(mask)
        for polygon in polygons:
            pen.polygon([((x * side - left) * 3, (y * side - top) * 3) for x, y in polygon], 255)
        mask = mask.reduce(3)
        if index == blurred:
            mask = mask.filter(ImageFilter.GaussianBlur(side * 0.014)).point(lambda v: v * 0.4)
        cover = np.asarray(mask, np.float32) / 255
        x, y = np.arange(left, right) / side, np.arange(top, end)[:, None] / side
        u, v = ((x - low[0]) / (high - low)[0] - 0.36), ((y - low[1]) / (high - low)[1] - 0.3)
        far = np.minimum(np.hypot(u, v * 0.85) / 0.78, 1.3)
        lit = colour * (1 + relief * (0.2 - 0.72 * far[..., None] ** 1.5))
        area = np.s_[top:end, left:right]
        # What is still clear takes the colour too, so that no edge is mixed with black.
        rgb[area] += np.where(alpha[area] == 0, 1, cover)[..., None] * (lit - rgb[area])
        alpha[area] += cover * (1 - alpha[area])
    return np.clip(rgb, 0, 1), alpha


def _read_shape(text: str) -> list[tuple[float, float]]:
    """The points of one polygon, from 0 to 1."""
    words = text.strip("~o ").split()
    points = [(float(x) / 100, float(y) / 100) for x, y in (word.split(",") for word in words)]
    if text.startswith("o"):
        (x, y), (rx, ry) = points
        turn = [pi * step / 24 for step in range(48)]
        points = [(x + rx * cos(a), y + ry * sin(a)) for a in turn]
    for _ in range(3 if text.startswith("~") else 0):
        # Corners are cut off again and again, which ends in a smooth curve.
        ends = list(zip(points, points[1:] + points[:1], strict=True))
        cuts = [(a, b, share) for a, b in ends for share in (0.25, 0.75)]
        points = [(a[0] + (b[0] - a[0]) * s, a[1] + (b[1] - a[1]) * s) for a, b, s in cuts]
    return points
