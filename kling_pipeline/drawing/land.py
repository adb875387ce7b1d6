"""Land seen from the side, as cut-outs from far to near: ridges, dunes and rows of firs."""

from math import ceil, sin

import numpy as np
from PIL import Image

from kling_pipeline.drawing.fields import Field, noise_cloud, noise_line
from kling_pipeline.drawing.layers import Layer, Sprite, draw_sprite, even
from kling_pipeline.drawing.palette import mix, ramp
from kling_pipeline.drawing.prompt import Shot
from kling_pipeline.drawing.sky import Point

# scene → where its first crest is and how far, how evenly the others follow (shares of what is below
# the horizon); the height of the first and how much more the last has; bumps and their roughness
_LANDS = {
    "ridges": (0.02, 0.9, 1.25, 0.035, 0.075, 3.2, 0.42),
    "dunes": (0.03, 0.8, 1.3, 0.03, 0.1, 1.8, 0.22),
    "forest": (0.1, 0.86, 1.2, 0.03, 0.0, 3.0, 0.45),
}


def raise_land(shot: Shot, horizon: float, sun: Point) -> list[Layer]:
    """Ridges, dunes or rows of firs, with mist between them, from the row `horizon` to the bottom."""
    begin, span, power, low, more, bumps, rough = _LANDS.get(shot.scene, _LANDS["ridges"])
    count, reach, layers = 7 if bumps == 3.2 else 5, shot.height * 1.04 - horizon, list[Layer]()
    for index, near in enumerate(np.linspace(0, 1, count)):
        base, rng = horizon + reach * (begin + span * near**power), shot.rng(f"land {index}")
        height = shot.unit * (low + more * near) * rng.uniform(0.8, 1.3)
        cells = bumps * rng.uniform(0.65, 1.35)
        crest = base - height * _draw_line(shot, f"crest {index}", cells, rough + 0.1 * near)
        if shot.scene == "dunes":
            layers.append(_draw_dune(shot, crest, near, index))
            continue
        if shot.scene == "forest":
            crest -= _draw_firs(shot, index, shot.unit * (0.14 + 0.3 * near**1.4))
        layers.append(_draw_slope(shot, crest, near, sun, reach / count))
        if index < count - 1:
            layers.append(_draw_mist(shot, base + reach * 0.03, reach / count * 2.5, near, index))
    return layers


def _draw_slope(shot: Shot, crest: Field, near: float, sun: Point, fade: float) -> Sprite:
    """A ridge under a crest (rows of the world), `near` 0 far away and 1 close by."""
    palette, depth = shot.palette, _measure_depth(shot, crest)
    x = np.arange(0, crest.size, 2) - (crest.size - shot.width) / 2
    light = np.exp(-np.abs(x - sun[0]) / (shot.unit * 0.6)) * (1 - 0.75 * near)
    haze = np.clip(depth / (fade * 2.2), 0, 1) * (0.62 * (1 - near) ** 1.2)
    slope = np.gradient(crest[::2]) / 2 * (1 if sun[0] > shot.width / 2 else -1)
    face = np.clip(slope * 0.16, -0.07, 0.09) * np.exp(-depth / (fade * 0.7))
    rim = np.exp(-depth / (shot.unit * 0.012)) * light * 0.38
    shade = 1 + face - 0.1 * np.clip(1 - depth / (fade * 0.8), 0, 1) * (1 - near)
    colours = mix(palette.far, palette.near, near**0.8) * shade[..., None]
    colours += (haze + light * 0.16)[..., None] * (palette.mist - colours)
    colours += rim[..., None] * (palette.glow - colours)
    return _cut(shot, colours, crest, 0.35 + 1.05 * near)


def _draw_dune(shot: Shot, crest: Field, near: float, index: int) -> Sprite:
    palette, depth = shot.palette, _measure_depth(shot, crest) / shot.unit
    # The sharp edge that runs down a dune: one side in the sun, the other in its own shadow.
    wander = _draw_line(shot, f"edge {index}", 2.5, 0.3)[::2]
    edge = np.clip(wander * 2.2, 0, None) * (0.06 + 0.2 * near)
    shade = np.clip((edge - depth) / (2 / shot.unit + 0.036 * near * (depth + 0.02)), 0, 1)
    y = np.linspace(0, 28 * depth.shape[0] / shot.unit, depth.shape[0])[:, None]
    grain = 0.028 * near * np.sin(depth * 190 / (0.4 + near) + 5 * wander + y) * (1 - shade)
    fall = np.clip(depth / (0.2 + 0.3 * near), 0, 1)
    sand = mix(mix(palette.sky[3], palette.far, 0.42), palette.glow, 0.25 * (1 - near))
    dark = mix(palette.far, palette.near, 0.38 + 0.35 * near)
    stops = np.stack((dark, mix(dark, sand, 0.55), sand, mix(sand, palette.glow, 0.5)))
    colours = ramp(np.clip(1 - shade * 0.92 - 0.6 * fall + grain, 0, 1), stops)
    haze = mix(palette.mist, palette.sky[4], 0.5)
    return _cut(shot, mix(colours, haze, 0.6 * (1 - near) ** 1.5), crest, 0.35 + near)


def _measure_depth(shot: Shot, crest: Field) -> Field:
    """How deep under the crest each pixel of a body is, at half size; it begins above the peak."""
    top = int(crest.min()) - 4
    low = min(shot.height * 1.12, float(crest.max()) + shot.unit * 0.5)
    y = np.arange(top + 0.5, top + even(low - top), 2)[:, None]
    return np.asarray(np.maximum(y - crest[::2], 0))


def _cut(shot: Shot, colours: Field, crest: Field, depth: float) -> Sprite:
    top, rows = int(crest.min()) - 4, colours.shape[0] * 2
    solid = min(rows, even(ceil(float(crest.max())) - top + 2))
    level = np.arange(solid, dtype=np.float32)[:, None] + (top + 1)
    mask = np.full((rows, crest.size), 255, np.uint8)
    mask[:solid] = np.clip(level - crest, 0, 1) * 255
    body = draw_sprite(colours, None, ((shot.width - crest.size) / 2, top), depth, 2)
    body.mask, body.solid, body.edged = Image.fromarray(mask), solid, True
    return body


def _draw_mist(shot: Shot, y: float, thick: float, near: float, index: int) -> Sprite:
    """A bank of mist around the row `y`, drifting sideways."""
    rng, palette = shot.rng(f"mist {index}"), shot.palette
    rows, columns = even(thick) // 4 + 1, even(shot.width * 1.5) // 4
    cloud = noise_cloud(rng, (rows, columns), (1.4, rng.uniform(3, 6)), 5)
    down, side = np.linspace(-1, 1, rows)[:, None], np.linspace(-1, 1, columns)
    alpha = np.clip(cloud * 1.5 - 0.35, 0, 1) * np.clip(1 - down * down, 0, 1) ** 1.5
    alpha *= 0.5 * (1 - near) ** 0.7 * np.clip((1 - np.abs(side)) * 8, 0, 1)
    at, colour = (-shot.width * 0.25, y - thick / 2), mix(palette.mist, palette.glow, 0.2)
    bank = draw_sprite(colour, alpha, at, 0.4 + near, 4)
    speed = shot.width * rng.uniform(0.006, 0.014) * (1 if index % 2 else -1)
    bank.drift = lambda v: (speed * (v.seconds - 2.5), 1.5 * sin(v.seconds * 0.7 + index))
    return bank


def _draw_firs(shot: Shot, index: int, tall: float) -> Field:
    """The outline of a row of firs as heights over their ground."""
    rng, out, at = shot.rng(f"firs {index}"), np.zeros(even(shot.width * 1.26)), -tall * 0.2
    while at < out.size:
        high = tall * rng.uniform(0.5, 1.0)
        half = high * rng.uniform(0.17, 0.23)
        first, last = max(0, int(at - half)), max(0, int(at + half) + 1)
        far = np.abs(np.arange(first, min(out.size, last)) - at) / half
        # Boughs: every tier reaches out and falls back a little further up.
        tiers = rng.integers(7, 11)
        tier = np.ceil(np.clip(far, 0.001, 1) * tiers) / tiers
        rise = np.clip(1 - far, 0, 1) * 0.55 + np.clip(1.06 - tier, 0, 1) * 0.45
        rise += 0.02 * rng.standard_normal(far.size) + np.clip(0.06 - far, 0, 1)
        out[first:last] = np.maximum(out[first:last], high * rise)
        at += half * rng.uniform(0.45, 1.9)
    return out


def _draw_line(shot: Shot, name: str, cells: float, rough: float) -> Field:
    return noise_line(shot.rng(name), even(shot.width * 1.26), cells, rough)
