"""A forest: rows of firs in the mist, dark trunks close by, and light that falls between them."""

from math import sin

import numpy as np

from kling_pipeline.drawing.heavens import even
from kling_pipeline.drawing.land import cut_ridge, lay_mist
from kling_pipeline.drawing.noise import Field, run_line
from kling_pipeline.drawing.palette import mix
from kling_pipeline.drawing.sheet import Layer, Sheet, cut_sheet
from kling_pipeline.drawing.words import Brief


def grow_forest(brief: Brief, horizon: float, sun: tuple[float, float]) -> list[Layer]:
    """Five rows of firs from the row `horizon` down, with mist and light between them."""
    layers: list[Layer] = []
    count, columns = 5, even(brief.width * 1.26)
    reach = brief.height * 1.03 - horizon
    for index in range(count):
        near = index / (count - 1)
        base = horizon + reach * (0.1 + 0.86 * near**1.2)
        ground = base - brief.unit * 0.03 * run_line(brief.dice(f"floor {index}"), columns, 3, 0.5)
        crest = ground - _firs(brief, index, columns, brief.unit * (0.14 + 0.3 * near**1.4))
        layers.append(cut_ridge(brief, crest.astype(np.float32), near, sun, reach / count))
        if index < count - 1:
            layers.append(lay_mist(brief, base, reach / count * 2.6, near * 0.7, index))
        if index == 2:
            layers.append(_beams(brief, sun, index))
    return layers


def _firs(brief: Brief, index: int, columns: int, tall: float) -> Field:
    """The outline of a row of firs as heights over their ground."""
    rng = brief.dice(f"firs {index}")
    x = np.arange(columns, dtype=np.float32)
    out = np.zeros(columns, np.float32)
    at = -tall * 0.2
    while at < columns:
        high = tall * rng.uniform(0.5, 1.0)
        half = high * rng.uniform(0.17, 0.23)
        first, last = max(0, int(at - half)), min(columns, int(at + half) + 1)
        far = np.abs(x[first:last] - at) / half
        # Boughs: every tier reaches out and falls back a little further up.
        tiers = rng.integers(7, 11)
        tier = np.ceil(np.clip(far, 0.001, 1) * tiers) / tiers
        droop = np.clip(1 - far, 0, 1) * 0.55 + np.clip(1.06 - tier, 0, 1) * 0.45
        rise = high * (droop + 0.02 * rng.standard_normal(far.size))
        tip = np.clip(1 - far / 0.05, 0, 1) * high * 0.06
        if last > first:
            out[first:last] = np.maximum(out[first:last], rise + tip)
        at += half * rng.uniform(0.45, 1.9)
    return out


def _beams(brief: Brief, sun: tuple[float, float], index: int) -> Sheet:
    """Shafts of light that fan out from the sun and breathe."""
    rows, columns = even(brief.height * 1.1), even(brief.width * 1.2)
    y = np.arange(rows, dtype=np.float32)[:, None] - sun[1]
    x = np.arange(columns, dtype=np.float32)[None, :] - sun[0] - brief.width * 0.1
    angle = np.arctan2(x, np.maximum(y, 1))
    rays = run_line(brief.dice(f"beams {index}"), 2048, 26, 0.6)
    light = np.clip(rays[((angle / np.pi + 0.5) * 2047).astype(int)] - 0.05, 0, 1)
    far = np.hypot(x, y) / brief.unit
    alpha = light * np.exp(-((far / 0.75) ** 2)) * (0.2 if brief.palette.night else 0.42)
    alpha *= np.clip(y / (brief.unit * 0.16), 0, 1)
    rgb = np.ones((rows, columns, 3), np.float32) * mix(brief.palette.glow, brief.palette.sun, 0.4)
    sheet = cut_sheet(rgb, alpha.astype(np.float32))
    sheet.x, sheet.depth, sheet.blurred = -brief.width * 0.1, 0.4 + 0.1 * index, True
    sheet.gain = lambda v: 0.78 + 0.22 * sin(v.seconds * 0.9 + index)
    return sheet
