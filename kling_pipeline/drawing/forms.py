"""Solid things in studio light: spheres, cylinders, and the shadows they stand on."""

import numpy as np

from kling_pipeline.drawing.heavens import even
from kling_pipeline.drawing.noise import Field
from kling_pipeline.drawing.palette import Colour, mix
from kling_pipeline.drawing.sheet import Sheet, cut_sheet

KEY = np.array([-0.5, -0.62, 0.6], np.float32) / np.float32(0.996)
WHITE = np.ones(3, np.float32)


def shape_sphere(
    at: tuple[float, float],
    radius: float,
    colour: Colour,
    room: tuple[Colour, Colour],
    gloss: float = 1.0,
) -> Sheet:
    """A glossy sphere around `at` (pixels); `room` are the colours of wall and floor it mirrors."""
    reach = even(radius + 3)
    y, x = np.mgrid[-reach:reach, -reach:reach].astype(np.float32) + np.float32(0.5)
    u, v = x / radius, y / radius
    square = u * u + v * v
    z = np.sqrt(np.clip(1 - square, 0, 1))
    lit = np.clip(u * KEY[0] + v * KEY[1] + z * KEY[2], 0, 1)
    wrap = np.clip((u * KEY[0] + v * KEY[1] + z * KEY[2] + 0.45) / 1.45, 0, 1)
    body = colour * (0.1 + 0.98 * wrap[..., None] ** 1.5)
    # Light thrown back by the floor, and the room seen at the grazing rim.
    body += room[1] * colour * (np.clip(v, 0, 1) ** 2 * 0.5)[..., None]
    grazing = ((1 - z) ** 3.2 * 0.55 * gloss)[..., None]
    around = np.where((v < 0)[..., None], room[0], room[1]) * np.float32(1.1)
    body = body * (1 - grazing) + around * grazing
    half = KEY + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    shine = np.clip(u * half[0] + v * half[1] + z * half[2], 0, 1)
    spot = 0.85 * gloss * shine**70 + 0.22 * shine**12 * (0.4 + 0.6 * lit)
    window = _window(u - half[0] * 0.98, v - half[1] * 0.98, 0.13) * gloss * 0.5
    body += (spot + window)[..., None] * (WHITE - body)
    alpha = np.clip((1 - np.sqrt(square)) * radius + 0.5, 0, 1)
    sheet = cut_sheet(np.clip(body, 0, 1).astype(np.float32), alpha.astype(np.float32))
    sheet.x, sheet.y = at[0] - reach, at[1] - reach
    return sheet


def _window(u: Field, v: Field, size: float) -> Field:
    """The soft square of a studio lamp in a mirror."""
    side = np.clip((size - np.maximum(np.abs(u + 0.25 * v), np.abs(v))) / (size * 0.35), 0, 1)
    return np.asarray(side, np.float32)


def cast_shadow(at: tuple[float, float], reach: tuple[float, float], strength: float) -> Sheet:
    """A soft shadow on the floor around `at`, `reach` pixels wide and high to each side."""
    wide, high = even(reach[0] * 1.5), even(reach[1] * 1.5)
    y, x = np.mgrid[-high:high, -wide:wide].astype(np.float32)
    far = np.hypot(x / reach[0], y / reach[1])
    dark = np.clip(1 - far / 1.45, 0, 1) ** 1.7 * strength
    rgb = np.full((*far.shape, 3), 0.015, np.float32)
    sheet = cut_sheet(rgb, dark.astype(np.float32))
    sheet.x, sheet.y, sheet.blurred = at[0] - wide, at[1] - high, True
    return sheet


def shade_round(share: Field, gloss: float) -> tuple[Field, Field]:
    """Light and shine across a standing cylinder; `share` is -1..1 from edge to edge."""
    normal = np.sqrt(np.clip(1 - share * share, 0, 1))
    light = np.clip((share * -0.62 + normal * 0.72 + 0.28) / 1.2, 0, 1)
    shine = gloss * np.exp(-(((share + 0.48) / 0.11) ** 2)) + 0.35 * gloss * np.exp(
        -(((share - 0.74) / 0.07) ** 2)
    )
    return (0.2 + 0.88 * light).astype(np.float32), shine.astype(np.float32)


def build_room(
    size: tuple[int, int], floor: float, colours: tuple[Colour, Colour], spot: tuple[float, float]
) -> Field:
    """A bare room of `size` (width, height): wall and floor that meet softly at the row `floor`."""
    width, height = size
    y = np.arange(height, dtype=np.float32)[:, None]
    x = np.arange(width, dtype=np.float32)[None, :]
    unit = min(size)
    lamp = np.exp(-((np.hypot((x - spot[0]) * 0.75, y - spot[1]) / (unit * 0.62)) ** 2))
    wall = colours[0] * (0.42 + 0.75 * lamp[..., None])
    pool = np.exp(
        -((np.hypot((x - spot[0]) * 0.55, (y - floor - unit * 0.16) * 1.6) / (unit * 0.5)) ** 2)
    )
    ground = colours[1] * (0.42 + 0.8 * pool[..., None])
    edge = np.clip((y - floor) / (unit * 0.012) + 0.5, 0, 1)
    edge = (edge * edge * (3 - 2 * edge) * np.ones_like(x))[..., None]
    contact = 1 - 0.2 * np.exp(-np.abs(y - floor) / (unit * 0.03))[..., None]
    out: Field = np.clip((wall * (1 - edge) + ground * edge) * contact, 0, 1)
    return out


def blend_tones(rgb: Colour, light: Field, shine: Field) -> Field:
    """A colour under light and shine."""
    body = rgb * light[..., None]
    return (body + shine[..., None] * (mix(rgb, WHITE, 0.85) - body)).astype(np.float32)
