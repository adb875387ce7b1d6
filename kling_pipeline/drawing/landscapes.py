"""Landscapes and cities: sky, water and land in cut-outs from far to near, and the subject in them."""

from math import ceil, sin

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from kling_pipeline.drawing.fields import Field, even, noise_cloud, noise_line
from kling_pipeline.drawing.figures import draw_subject
from kling_pipeline.drawing.layers import Layer, Scene, Sprite, draw_sprite
from kling_pipeline.drawing.palette import mix, ramp, rgb
from kling_pipeline.drawing.prompt import Shot
from kling_pipeline.drawing.sky import Point, draw_aurora, draw_clouds, draw_sky, pour_water

_LAMPS = [rgb(word) for word in ("#ffd58a", "#ffb765", "#fff1cf", "#8fd6ff", "#ff8a6a")]
# scene → where the horizon is and how high the sun, in shares of the frame
_PLACES = {
    "ridges": (0.44, 0.54, 0.0, 0.09), "dunes": (0.36, 0.46, 0.1, 0.26),
    "forest": (0.4, 0.5, 0.02, 0.2),
}  # fmt: skip
# scene → where its first crest is and how far, how evenly the others follow (shares of what is below
# the horizon); the height of the first and how much more the last has; bumps and their roughness
_LANDS = {
    "ridges": (0.02, 0.9, 1.25, 0.035, 0.075, 3.2, 0.42),
    "dunes": (0.03, 0.8, 1.3, 0.03, 0.1, 1.8, 0.22),
    "forest": (0.1, 0.86, 1.2, 0.03, 0.0, 3.0, 0.45),
}


def draw_land(shot: Shot) -> Scene:
    """Ridges in the mist, dunes in low light or rows of firs, the subject behind the last crest."""
    begin, end, low, high = _PLACES[shot.scene]
    rng, forest = shot.rng(f"{shot.scene} scene"), shot.scene == "forest"
    horizon = shot.height * rng.uniform(begin, end)
    lift = shot.unit * (rng.uniform(low, high) + 0.15 * shot.palette.night)
    sun = (shot.width * rng.uniform(0.24, 0.76), horizon - lift)
    layers = draw_sky(shot, horizon * 1.06, sun, shot.unit * rng.uniform(0.042, 0.062))
    *far, near = _raise_land(shot, horizon, sun)
    subject = draw_subject(shot, shot.height * 0.985 if forest else _find_ground(near, shot))
    layers += [*far, near, *subject] if forest else [*far, *subject, near]
    return Scene(shot, layers, (sun[0], horizon), step=3)


def draw_sea(shot: Shot) -> Scene:
    """Open water under a low sun, with what swims in it or stands by it."""
    rng, night = shot.rng("sea scene"), shot.palette.night
    line, radius = even(shot.height * rng.uniform(0.5, 0.58)), shot.unit * rng.uniform(0.055, 0.085)
    lift = rng.uniform(0.16, 0.3) if night else rng.uniform(0.02, 0.16)
    sun = (shot.width * rng.uniform(0.3, 0.7), line - shot.unit * lift)
    afloat = shot.subject != "lighthouse"
    subject = draw_subject(shot, line + shot.height * (0.19 if afloat else 0.004), afloat)
    sky, water = draw_sky(shot, line, sun, radius), pour_water(shot, line, (sun[0], radius * 1.1))
    return Scene(shot, [*sky, water, *subject], (sun[0], line))


def draw_heaven(shot: Shot) -> Scene:
    """A wide sky with clouds or northern lights over low ridges."""
    rng, aurora = shot.rng("sky scene"), shot.palette.name == "polar night"
    horizon = shot.height * rng.uniform(0.78, 0.86)
    sun = (shot.width * rng.uniform(0.2, 0.8), horizon * rng.uniform(0.3, 0.75))
    if aurora:
        layers = draw_sky(shot, horizon, (sun[0], horizon), 0) + draw_aurora(shot, horizon)
    else:
        layers = draw_sky(shot, horizon, sun, shot.unit * rng.uniform(0.05, 0.09))
        layers.append(draw_clouds(shot, horizon * 0.2, horizon))
    if shot.subject in ("birds", "balloon"):
        layers += draw_subject(shot, horizon)
    layers += _raise_land(shot, horizon, sun)[-7:]
    return Scene(shot, layers, (shot.width / 2, horizon), step=3)


def _find_ground(near: Layer, shot: Shot) -> float:
    """A row just under the middle of the nearest crest, so that it hides the feet."""
    assert isinstance(near, Sprite) and near.mask is not None
    clear = np.asarray(near.mask.resize((9, near.mask.height)))[:, 3:6] < 128
    return min(near.y + float(clear.sum(0).mean()) + shot.unit * 0.012, shot.height * 0.93)


def _raise_land(shot: Shot, horizon: float, sun: Point) -> list[Layer]:
    """Ridges, dunes or rows of firs, with mist between them, from the row `horizon` to the bottom."""
    begin, span, power, low, more, bumps, rough = _LANDS.get(shot.scene, _LANDS["ridges"])
    count, wide, layers = 7 if bumps == 3.2 else 5, even(shot.width * 1.26), list[Layer]()
    reach = shot.height * 1.04 - horizon
    for index, near in enumerate(np.linspace(0, 1, count)):
        base, rng = horizon + reach * (begin + span * near**power), shot.rng(f"land {index}")
        height = shot.unit * (low + more * near) * rng.uniform(0.8, 1.3)
        cells = bumps * rng.uniform(0.65, 1.35)
        crest = base - height * noise_line(
            shot.rng(f"crest {index}"), wide, cells, rough + 0.1 * near
        )
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
    wander = noise_line(shot.rng(f"edge {index}"), crest.size, 2.5, 0.3)[::2]
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


def draw_city(shot: Shot) -> Scene:
    """Three rows of blocks with lit windows, haze, and the wet street that mirrors them."""
    rng, width, unit, palette = shot.rng("city scene"), shot.width, shot.unit, shot.palette
    line, pad = even(shot.height * rng.uniform(0.64, 0.7)), even(shot.width * 0.13)
    moon = (width * rng.uniform(0.15, 0.85), line * rng.uniform(0.12, 0.3))
    layers = draw_sky(shot, line, moon, unit * 0.035 * palette.night)
    mirror = np.ones((even(shot.height - line), width, 1)) * mix(palette.near, palette.sky[2], 0.3)
    for row in range(3):
        colours, alpha = _draw_blocks(shot, row, even(unit * (0.5 + 0.06 * row)), width + 2 * pad)
        # Upside down and stretched, as wet ground shows it.
        at = -1 - np.linspace(0, 0.95 * alpha.shape[0], mirror.shape[0]).astype(int)
        seen = slice(pad, pad + width)
        mirror += alpha[at, seen, None] * (colours[at, seen] - mirror)
        blocks = draw_sprite(colours, alpha, (-pad, line - alpha.shape[0]), 0.4 + 0.25 * row)
        blocks.sharp = blocks.edged = False  # a flat scene is only moved, by whole pixels
        layers.append(blocks)
    image = Image.fromarray((np.clip(mirror, 0, 1) * 255).astype(np.uint8))
    image = image.filter(ImageFilter.BoxBlur((unit * 0.004, unit * 0.03)))
    down = np.linspace(1.35, 0.4, mirror.shape[0], dtype=np.float32)[:, None, None]
    mirror = np.clip((np.asarray(image, np.float32) / 255) ** 0.9 * down, 0, 1)
    layers.append(pour_water(shot, line, (width / 2, width * 0.2), mirror))
    down = 1 - np.abs(np.linspace(-1, 1, even(unit * 0.3) // 4))
    haze = (0.3 * down**2)[:, None] * np.ones(even(width * 1.3) // 4)
    corner = (-width * 0.15, line - unit * 0.15)
    layers.append(draw_sprite(mix(palette.glow, palette.mist, 0.4), haze, corner, 1.0, 4))
    return Scene(shot, layers, (width / 2, line), 0.26, step=3, mode="flat")


def _draw_blocks(shot: Shot, row: int, high: int, wide: int) -> tuple[Field, Field]:
    """Colours and mask of a row of blocks that stand on its lower edge; row 0 is far away."""
    rng, unit, near, palette = shot.rng(f"city {row}"), shot.unit, row / 2, shot.palette
    body = mix(mix(palette.sky[2], palette.far, 0.55), palette.near, 0.25 + 0.62 * near)
    dark = mix(palette.near, palette.far, 0.3)
    image, mask = Image.new("RGB", (wide, high), _bytes(body)), Image.new("L", (wide, high))
    pen, cut, x = ImageDraw.Draw(image), ImageDraw.Draw(mask), -unit * 0.05
    cell = max(4, round(unit * (0.0085 + 0.005 * near)))
    size = max(1, round(cell * 0.46))
    while x < wide:
        broad = unit * rng.uniform(0.05, 0.13) * (0.8 + 0.5 * near)
        tall = high * min(0.97, (rng.beta(1.6, 2.6) * 0.85 + 0.12) * (1.0 - 0.3 * near))
        box = (round(x), round(high - tall), round(x + broad), high)
        pen.rectangle(box, _bytes(body * rng.uniform(0.8, 1.12)))
        cut.rectangle(box, 255)
        lamp = _LAMPS[int(rng.choice(5, p=(0.42, 0.26, 0.14, 0.1, 0.08)))]
        share = rng.uniform(0.14, 0.5) * (1 if palette.night else 0.6)
        for top in range(box[1] + cell, box[3] - cell, round(cell * 1.25)):
            for left in range(box[0] + cell // 2, box[2] - size, cell):
                if rng.random() < share:
                    light = rng.uniform(0.35, 1) * (0.55 + 0.45 * near)
                    window = (left, top, left + size - 1, top + round(size * 1.3))
                    pen.rectangle(window, _bytes(mix(dark, lamp, light)))
        x += broad * rng.uniform(0.92, 1.25)
    down = np.linspace(0, 1, high)[:, None, None]
    fog = (0.1 + 0.5 * down**2) * (0.75 - 0.54 * near)
    colours = np.asarray(image) / 255
    colours += fog * (mix(palette.sky[3], palette.mist, 0.4) - colours)
    return colours, np.asarray(mask) / 255


def _bytes(colour: Field) -> tuple[int, ...]:
    return tuple(int(share) for share in np.clip(colour, 0, 1) * 255)
