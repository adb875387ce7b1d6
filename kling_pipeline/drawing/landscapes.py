"""Landscapes and cities: where sky, land and water meet, and where the subject stands."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from kling_pipeline.drawing.fields import Field
from kling_pipeline.drawing.figures import draw_subject
from kling_pipeline.drawing.land import raise_land
from kling_pipeline.drawing.layers import Layer, Sprite, draw_sprite, even
from kling_pipeline.drawing.palette import mix, rgb
from kling_pipeline.drawing.prompt import Shot
from kling_pipeline.drawing.scene import Scene
from kling_pipeline.drawing.sky import draw_aurora, draw_clouds, draw_sky, pour_water

_LAMPS = [rgb(word) for word in ("#ffd58a", "#ffb765", "#fff1cf", "#8fd6ff", "#ff8a6a")]
# scene → where the horizon is and how high the sun, in shares of the frame
_PLACES = {
    "ridges": (0.44, 0.54, 0.0, 0.09), "dunes": (0.36, 0.46, 0.1, 0.26),
    "forest": (0.4, 0.5, 0.02, 0.2),
}  # fmt: skip


def draw_land(shot: Shot) -> Scene:
    """Ridges in the mist, dunes in low light or rows of firs, the subject behind the last crest."""
    begin, end, low, high = _PLACES[shot.scene]
    rng, forest = shot.rng(f"{shot.scene} scene"), shot.scene == "forest"
    horizon = shot.height * rng.uniform(begin, end)
    lift = shot.unit * (rng.uniform(low, high) + 0.15 * shot.palette.night)
    sun = (shot.width * rng.uniform(0.24, 0.76), horizon - lift)
    layers = draw_sky(shot, horizon * 1.06, sun, shot.unit * rng.uniform(0.042, 0.062))
    *far, near = raise_land(shot, horizon, sun)
    subject = draw_subject(shot, shot.height * 0.985 if forest else _find_ground(near, shot))
    layers += [*far, near, *subject] if forest else [*far, *subject, near]
    return Scene(shot, layers, (sun[0], horizon), step=3)


def draw_sea(shot: Shot) -> Scene:
    """Open water under a low sun, sometimes with a far shore."""
    rng, night = shot.rng("sea scene"), shot.palette.night
    line, radius = even(shot.height * rng.uniform(0.5, 0.58)), shot.unit * rng.uniform(0.055, 0.085)
    lift = rng.uniform(0.16, 0.3) if night else rng.uniform(0.02, 0.16)
    sun = (shot.width * rng.uniform(0.3, 0.7), line - shot.unit * lift)
    afloat = shot.subject != "lighthouse"
    subject = draw_subject(shot, line + shot.height * (0.19 if afloat else 0.004), afloat)
    water = pour_water(shot, line, (sun[0], radius * 1.1), 1.0)
    layers = [*draw_sky(shot, line, sun, radius), water, *subject]
    return Scene(shot, layers, (sun[0], float(line)))


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
    layers += raise_land(shot, horizon, sun)[-7:]
    return Scene(shot, layers, (shot.width / 2, horizon), step=3)


def _find_ground(near: Layer, shot: Shot) -> float:
    """A row just under the middle of the nearest crest, so that it hides the feet."""
    assert isinstance(near, Sprite) and near.mask is not None
    clear = np.asarray(near.mask.resize((9, near.mask.height)))[:, 3:6] < 128
    return min(near.y + float(clear.sum(0).mean()) + shot.unit * 0.012, shot.height * 0.93)


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
    layers.append(pour_water(shot, line, (width / 2, width * 0.2), 0.5, mirror))
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
