"""Skies: the gradient with its light, sun and moon, stars, clouds and aurora."""

from math import sin, tau

import numpy as np

from kling_pipeline.drawing.noise import Field, drift_clouds, enlarge, run_line
from kling_pipeline.drawing.palette import Colour, mix, ramp
from kling_pipeline.drawing.sheet import Layer, Sheet, cut_sheet
from kling_pipeline.drawing.words import Brief

MARGIN = 0.1


def stretch_sky(brief: Brief, horizon: float, sun: tuple[float, float]) -> Sheet:
    """The sky down to the row `horizon` and on below it, lit around `sun` (pixels of the frame)."""
    width, height, palette = brief.width, brief.height, brief.palette
    mx, my = round(width * MARGIN), round(height * MARGIN)
    rows, columns = even(height + 2 * my), even(width + 2 * mx)
    small = (rows // 4, columns // 4)
    y = ((np.arange(small[0], dtype=np.float32) + 0.5) * 4 - my)[:, None]
    x = ((np.arange(small[1], dtype=np.float32) + 0.5) * 4 - mx)[None, :]
    fall = np.clip(y / horizon, 0, 1) ** 1.15 * np.ones_like(x)
    rgb = ramp(fall, palette.sky)
    reach = np.hypot((x - sun[0]) * 0.8, y - sun[1]) / brief.unit
    power = 0.5 if palette.night else 1.0
    for spread, share, low in ((0.95, 0.34, 0.9), (0.4, 0.42, 0.5), (0.14, 0.6, 0.0)):
        veil = (power * share * np.exp(-((reach / spread) ** 1.6)))[..., None]
        # Far from the sun its light is scattered: high up it keeps the sky's own hue.
        tone = (
            palette.glow * (1 - low)
            + (palette.glow * fall[..., None] + rgb * 1.25 * (1 - fall[..., None])) * low
        )
        rgb = rgb + veil * (tone - rgb)
    rgb = _streak(brief, rgb, reach, horizon / (height + my))
    full = np.stack([enlarge(rgb[..., i], (rows, columns)) for i in range(3)], -1)
    sheet = cut_sheet(np.clip(full, 0, 1))
    sheet.x, sheet.y, sheet.depth, sheet.blurred = -mx, -my, 0.25, True
    return sheet


def _streak(brief: Brief, rgb: Field, reach: Field, low: float) -> Field:
    """Thin clouds drawn out along the horizon, lit from where the sun stands."""
    rng = brief.dice("streaks")
    size = (rgb.shape[0], rgb.shape[1])
    cloud = drift_clouds(rng, size, (rng.uniform(7, 12), rng.uniform(1.6, 3)), 4)
    down = np.linspace(0, 1, size[0], dtype=np.float32)[:, None]
    belt = np.exp(-(((down - low * 0.72) / 0.22) ** 2))
    lit = (np.exp(-reach / 0.6) * 0.75)[..., None]
    palette = brief.palette
    shade = mix(palette.sky[1], palette.sky[2], 0.5)
    colour = shade * (1 - lit) + palette.glow * lit
    share = (np.clip(cloud * 1.7 - 0.75, 0, 1) * belt * (0.3 if palette.night else 0.5))[..., None]
    out: Field = rgb * (1 - share) + colour * share
    return out


def hang_disc(brief: Brief, at: tuple[float, float], radius: float) -> Sheet:
    """The sun or the moon with a soft rim; `at` and `radius` in pixels."""
    reach = even(radius * 2.6)
    y, x = np.mgrid[-reach:reach, -reach:reach].astype(np.float32) + 0.5
    far = np.hypot(x, y)
    edge = max(1.2, radius * 0.02)
    disc = np.clip((radius - far) / edge + 0.5, 0, 1)
    halo = 0.5 * np.exp(-np.clip(far - radius, 0, None) / (radius * 0.38))
    fade = np.clip((reach - far) / (reach * 0.4), 0, 1)
    alpha = np.maximum(disc, halo * fade * fade)
    palette = brief.palette
    colour = np.ones((*far.shape, 3), np.float32) * palette.sun
    if palette.night:
        sea = drift_clouds(brief.dice("moon"), far.shape, (5, 5), 4)
        colour *= 1 - 0.1 * (np.clip(sea * 1.5 - 0.5, 0, 1) * disc)[..., None]
    colour = colour * disc[..., None] + mix(palette.glow, palette.sun, 0.35) * (1 - disc[..., None])
    sheet = cut_sheet(colour.astype(np.float32), alpha.astype(np.float32))
    sheet.x, sheet.y, sheet.depth = at[0] - reach, at[1] - reach, 0.3
    return sheet


def float_clouds(brief: Brief, top: float, low: float, cover: float, name: str) -> Sheet:
    """Heaped clouds between two rows, lit from above, drifting."""
    rng = brief.dice(name)
    rows, columns = even(low - top), even(brief.width * 1.35)
    field = drift_clouds(rng, (rows, columns), (2.2, 4.5), 6)
    down = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    belt = np.clip(np.sin(np.pi * down), 0, 1) ** 0.8
    alpha = np.clip((field * belt - (0.75 - cover)) * 3.2, 0, 1) ** 1.2 * 0.9
    step = max(2, rows // 40)
    light = np.clip(0.5 + (field - np.roll(field, step, 0)) * 2.4, 0, 1)
    palette = brief.palette
    dark, bright = mix(palette.sky[1], palette.mist, 0.35), mix(palette.sun, palette.glow, 0.3)
    rgb = ramp(light, (dark, mix(dark, bright, 0.55), bright))
    sheet = cut_sheet(rgb, (alpha * (0.55 if palette.night else 0.92)).astype(np.float32))
    sheet.x, sheet.y, sheet.depth, sheet.blurred = -brief.width * 0.15, top, 0.35, True
    speed = brief.width * 0.012
    sheet.sway = lambda v: (-speed * v.seconds / 2.5, 0.0)
    return sheet


def hang_aurora(brief: Brief, horizon: float, colours: tuple[Colour, Colour]) -> list[Layer]:
    """Curtains of light in two colours that breathe out of step."""
    sheets: list[Layer] = []
    swing = brief.width * 0.05
    rows, columns = even(horizon * 0.96), even(brief.width * 1.3)
    for turn in range(3):
        rng = brief.dice(f"aurora {turn}")
        foot = rows * (0.62 + 0.1 * turn + 0.16 * run_line(rng, columns // 2, 2.2, 0.42))
        rays = 0.5 + 0.5 * run_line(rng, columns // 2, 26, 0.75)
        power = np.clip(0.55 + 0.75 * run_line(rng, columns // 2, 3, 0.4), 0, 1)
        y = np.arange(0, rows, 2, dtype=np.float32)[:, None]
        above = (foot[None, :] - y) / (rows * (0.5 + 0.25 * rays[None, :]))
        body = np.clip(np.exp(-np.clip(above, 0, 9) * 2.4), 0, 1)
        edge = np.clip((foot[None, :] - y) / (rows * 0.035), 0, 1)
        alpha = body * edge * power * (0.35 + 0.65 * rays[None, :]) * 0.9
        alpha *= np.clip(y / (rows * 0.12), 0, 1)
        share = np.clip(above * 1.35, 0, 1)[..., None]
        rgb = colours[0] * (1 - share) + colours[1] * share
        size = (rows, columns)
        full = np.stack([enlarge(rgb[..., i], size) for i in range(3)], -1)
        sheet = cut_sheet(np.clip(full, 0, 1), np.clip(enlarge(alpha, size), 0, 1))
        sheet.x, sheet.depth, sheet.blurred = -brief.width * 0.15, 0.2, True
        sheet.sway = lambda v, k=turn: (swing * sin(v.seconds * 0.35 + k * 2.1), 0.0)
        sheet.gain = lambda v, k=turn: 0.74 + 0.26 * sin(v.seconds * tau / 6 + k * 2.4)
        sheets.append(sheet)
    return sheets


def even(value: float) -> int:
    """The nearest even whole number not below 4."""
    return max(4, round(value / 2) * 2)
