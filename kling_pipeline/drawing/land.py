"""Land: misty ridges, dunes and forests, as cut-outs from far to near."""

from math import sin

import numpy as np

from kling_pipeline.drawing.heavens import even
from kling_pipeline.drawing.noise import Field, drift_clouds, run_line
from kling_pipeline.drawing.palette import mix, ramp
from kling_pipeline.drawing.relief import Relief, raise_relief
from kling_pipeline.drawing.sheet import Layer, Sheet, cut_sheet
from kling_pipeline.drawing.words import Brief


def raise_ridges(brief: Brief, horizon: float, sun: tuple[float, float]) -> list[Layer]:
    """Ridge behind ridge with mist in the valleys, from the row `horizon` to the bottom."""
    rng = brief.dice("ridges")
    count = int(rng.integers(6, 9))
    layers: list[Layer] = []
    reach = brief.height * 1.04 - horizon
    for index in range(count):
        near = index / (count - 1)
        base = horizon + reach * (0.02 + 0.9 * near**1.25)
        height = brief.unit * (0.035 + 0.075 * near) * rng.uniform(0.8, 1.3)
        crest = base - height * run_line(
            brief.dice(f"crest {index}"), _span(brief), rng.uniform(2, 4.5), 0.42 + 0.1 * near
        )
        layers.append(cut_ridge(brief, crest, near, sun, reach / count))
        if 0 < index < count - 1:
            layers.append(lay_mist(brief, base + reach * 0.05, reach / count * 2.4, near, index))
    return layers


def cut_ridge(
    brief: Brief, crest: Field, near: float, sun: tuple[float, float], fade: float
) -> Relief:
    """One ridge under a crest line (screen rows), `near` 0 far away and 1 close by."""
    palette, line = brief.palette, crest[::2]
    top = int(crest.min()) - 4
    rows, columns = even(brief.height * 1.12 - top), crest.size
    y = np.arange(0, rows, 2, dtype=np.float32)[:, None] + (top + 0.5)
    depth = np.maximum(y - line[None, :], 0)
    x = np.arange(0, columns, 2, dtype=np.float32) - (columns - brief.width) / 2
    body = mix(palette.far, palette.near, near**0.8)
    light = np.exp(-np.abs(x - sun[0]) / (brief.unit * 0.6)) * (1 - 0.75 * near)
    haze = np.clip(depth / (fade * 2.2), 0, 1) * (0.62 * (1 - near) ** 1.2)
    slope = np.gradient(line) / 2 * (1 if sun[0] > brief.width / 2 else -1)
    face = np.clip(slope * 0.16, -0.07, 0.09) * np.exp(-depth / (fade * 0.7))
    rim = np.exp(-depth / (brief.unit * 0.012)) * light * 0.38
    tone = 1 + face - 0.1 * np.clip(1 - depth / (fade * 0.8), 0, 1) * (1 - near)
    rgb = (body * tone[..., None]).astype(np.float32)
    rgb += (haze + light * 0.16)[..., None] * (palette.mist - rgb)
    rgb += rim[..., None] * (palette.glow - rgb)
    left = -(columns - brief.width) / 2
    return raise_relief(np.clip(rgb, 0, 1), crest, left, top, 0.35 + 1.05 * near)


def lay_mist(brief: Brief, y: float, thick: float, near: float, index: int) -> Sheet:
    """A bank of mist around the row `y`, drifting sideways."""
    rng = brief.dice(f"mist {index}")
    rows, columns = even(thick), even(brief.width * 1.5)
    cloud = drift_clouds(rng, (rows, columns), (1.4, rng.uniform(3, 6)), 5)
    down = np.linspace(-1, 1, rows, dtype=np.float32)[:, None]
    side = np.linspace(-1, 1, columns, dtype=np.float32)[None, :]
    alpha = np.clip(cloud * 1.5 - 0.35, 0, 1) * np.clip(1 - down * down, 0, 1) ** 1.5
    alpha *= 0.5 * (1 - near) ** 0.7 * np.clip((1 - np.abs(side)) * 8, 0, 1)
    rgb = np.ones((rows, columns, 3), np.float32) * mix(brief.palette.mist, brief.palette.glow, 0.2)
    sheet = cut_sheet(rgb, alpha.astype(np.float32))
    sheet.x, sheet.y, sheet.depth = -brief.width * 0.25, y - thick / 2, 0.4 + near
    sheet.blurred = True
    speed = brief.width * rng.uniform(0.006, 0.014) * (1 if index % 2 else -1)
    sheet.sway = lambda v: (speed * (v.seconds - 2.5), 1.5 * sin(v.seconds * 0.7 + index))
    return sheet


def heap_dunes(brief: Brief, horizon: float, sun: tuple[float, float]) -> list[Layer]:
    """Dunes with a lit and a shaded side and fine wind lines, from far to near."""
    rng = brief.dice("dunes")
    count, layers = 5, list[Layer]()
    reach = brief.height * 1.03 - horizon
    for index in range(count):
        near = index / (count - 1)
        base = horizon + reach * (0.03 + 0.8 * near**1.3)
        swell = brief.unit * (0.03 + 0.1 * near)
        line = run_line(brief.dice(f"dune {index}"), _span(brief), rng.uniform(1.2, 2.4), 0.28)
        layers.append(_cut_dune(brief, base - swell * line, near, sun, index))
    return layers


def _cut_dune(
    brief: Brief, crest: Field, near: float, sun: tuple[float, float], index: int
) -> Relief:
    palette, line = brief.palette, crest[::2]
    top = int(crest.min()) - 4
    rows, columns = even(brief.height * 1.12 - top), crest.size
    y = np.arange(0, rows, 2, dtype=np.float32)[:, None] + (top + 0.5)
    depth = np.maximum(y - line[None, :], 0)
    # The sharp edge that runs down a dune: one side in the sun, the other in its own shadow.
    wander = run_line(brief.dice(f"edge {index}"), columns, 2.5, 0.3)[::2]
    edge = np.clip(wander * 2.2, 0, None) * brief.unit * (0.06 + 0.2 * near)
    shade = np.clip((edge[None, :] - depth) / (2 + 26 * near * (depth / brief.unit + 0.02)), 0, 1)
    grain = np.sin(depth / brief.unit * 190 / (0.4 + near) + 5 * wander[None, :] + 0.02 * y)
    sand = mix(mix(palette.sky[3], palette.far, 0.42), palette.glow, 0.25 * (1 - near))
    dark = mix(palette.far, palette.near, 0.38 + 0.35 * near)
    fall = np.clip(depth / (brief.unit * (0.2 + 0.3 * near)), 0, 1)
    light = np.clip(1 - shade * 0.92 - 0.6 * fall + 0.028 * grain * (1 - shade) * near, 0, 1)
    rgb = ramp(light, (dark, mix(dark, sand, 0.55), sand, mix(sand, palette.glow, 0.5)))
    haze = (0.6 * (1 - near) ** 1.5) * np.ones_like(depth)
    rgb += haze[..., None] * (mix(palette.mist, palette.sky[4], 0.5) - rgb)
    left = -(columns - brief.width) / 2
    return raise_relief(np.clip(rgb, 0, 1), crest, left, top, 0.35 + 1.0 * near)


def draw_shore(brief: Brief, line: float, sun: tuple[float, float]) -> Relief:
    """A far, low coast that ends at the water's row `line`."""
    rng = brief.dice("shore")
    bumps = run_line(rng, _span(brief), rng.uniform(1.5, 3), 0.45)
    crest = line - brief.unit * 0.02 * np.clip(bumps + rng.uniform(-0.1, 0.6), -0.2, 2)
    return cut_ridge(brief, crest.astype(np.float32), 0.3, sun, brief.unit * 0.03)


def _span(brief: Brief) -> int:
    return even(brief.width * 1.26)
