"""Sky, water and weather: light, sun and moon, clouds, aurora, their mirror, and what falls."""

from math import sin, tau

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from kling_pipeline.drawing.fields import Field, dither, even, noise_cloud, noise_line
from kling_pipeline.drawing.layers import Layer, Planes, Sprite, View, draw_sprite, lay
from kling_pipeline.drawing.palette import mix, ramp, rgb, to_yuv
from kling_pipeline.drawing.prompt import Shot

Point = tuple[float, float]
_MARGIN = 0.1  # of the frame to each side, for the camera's pans
# kind → speeds of a far and a near tile in heights a second, drops, their width and height in
# shares of the frame, their light, and how far they are blown to the sides
_FALLS = {
    "rain": ((1.45, 2.1), 150, 0.0008, 0.055, 50, 0),
    "snow": ((0.055, 0.1), 130, 0.0056, 0.0056, 150, 1),
    "dust": ((-0.012, -0.03), 26, 0.008, 0.008, 60, 1),
}


def draw_sky(shot: Shot, horizon: float, sun: Point, radius: float) -> list[Layer]:
    """The sky down to the row `horizon` and on below it, with stars and a disc around `sun`."""
    width, height, palette = shot.width, shot.height, shot.palette
    mx, my = round(width * _MARGIN), round(height * _MARGIN)
    # No further down than a camera can look over the land.
    low = min(height + my, horizon + shot.unit * 0.3)
    y = np.arange(2 - my, low, 4)[:, None]
    x = np.arange(2 - mx, width + mx, 4)
    fall = np.clip(y / horizon, 0, 1) ** 1.15 * np.ones_like(x)
    colours = ramp(fall, palette.sky)
    reach = np.hypot((x - sun[0]) * 0.8, y - sun[1]) / shot.unit
    for spread, share, low in ((0.95, 0.34, 0.9), (0.4, 0.42, 0.5), (0.14, 0.6, 0.0)):
        power = share * np.exp(-((reach / spread) ** 1.6)) * (0.5 if palette.night else 1)
        # Far from the sun its light is scattered: high up it keeps the sky's own hue.
        own = fall[..., None] * (palette.glow - colours * 1.25) + colours * 1.25
        colours += power[..., None] * (palette.glow * (1 - low) + own * low - colours)
    # Thin clouds along the horizon, lit from where the sun stands.
    rng = shot.rng("streaks")
    cloud = noise_cloud(rng, reach.shape, (rng.uniform(7, 12), rng.uniform(1.6, 3)), 4)
    belt = np.exp(-(((y - horizon * 0.68) / height / 0.26) ** 2)) * (0.3 if palette.night else 0.5)
    lit = (np.exp(-reach / 0.6) * 0.75)[..., None]
    streaks = mix(palette.sky[1], palette.sky[2], 0.5) * (1 - lit) + palette.glow * lit
    colours += (np.clip(cloud * 1.7 - 0.75, 0, 1) * belt)[..., None] * (streaks - colours)
    layers: list[Layer] = [draw_sprite(colours, None, (-mx, -my), 0.25, 4)]
    if palette.night:
        layers += [_draw_stars(shot, even(horizon), turn) for turn in (0, 1)]
    return [*layers, _draw_disc(shot, sun, radius)] if radius else layers


def _draw_stars(shot: Shot, rows: int, turn: int) -> Sprite:
    """Half of the stars, few and faint near the horizon; the halves twinkle in turn."""
    rng, count = shot.rng(f"stars {turn}"), 400 * shot.width * rows // shot.height**2
    x, y = rng.integers(1, shot.width - 2, count), rng.integers(1, rows - 2, count)
    power = rng.uniform(0.12, 1, count) ** 2.6 * 1.5 * (1 - y / rows) ** 0.6
    sky = np.zeros((rows, shot.width), np.float32)
    np.add.at(sky, (y, x), power)
    # The bright ones get a small body, so that they stay stars and do not become dead pixels.
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        np.add.at(sky, (y + dy, x + dx), power * 0.5 * (power > 0.5))
    stars = draw_sprite(np.ones(3), sky, (0, 0), 0)
    stars.edged = False
    stars.gain = lambda v: 0.75 + 0.25 * sin(v.seconds * 2.6 + 3 * turn)
    return stars


def _draw_disc(shot: Shot, at: Point, radius: float) -> Sprite:
    reach, palette = even(radius * 2.6), shot.palette
    y, x = np.mgrid[-reach:reach, -reach:reach] + 0.5
    far = np.hypot(x, y)
    disc = np.clip((radius - far) / max(1.2, radius * 0.02) + 0.5, 0, 1)
    halo = 0.5 * np.exp(-np.clip(far - radius, 0, None) / (radius * 0.38))
    alpha = np.maximum(disc, halo * np.clip((reach - far) / (reach * 0.4), 0, 1) ** 2)
    seas = noise_cloud(shot.rng("moon"), far.shape, (5, 5), 4) if palette.night else 0 * far
    body = palette.sun * (1 - 0.1 * np.clip(seas * 1.5 - 0.5, 0, 1))[..., None]
    rim = mix(palette.glow, palette.sun, 0.35)
    colours = rim + (body - rim) * disc[..., None]
    return draw_sprite(colours, alpha, (at[0] - reach, at[1] - reach), 0.3)


def draw_clouds(shot: Shot, top: float, low: float) -> Sprite:
    """Heaped clouds between two rows, lit from above, drifting."""
    rows, columns, palette = even(low - top) // 2, even(shot.width * 1.35) // 2, shot.palette
    field = noise_cloud(shot.rng("clouds"), (rows, columns), (2.2, 4.5), 6)
    belt = np.sin(np.linspace(0, np.pi, rows))[:, None].clip(0, 1) ** 0.8
    alpha = np.clip((field * belt - 0.33) * 3.2, 0, 1) ** 1.2 * (0.5 if palette.night else 0.83)
    light = np.clip(0.5 + (field - np.roll(field, max(2, rows // 40), 0)) * 2.4, 0, 1)
    dark, bright = mix(palette.sky[1], palette.mist, 0.35), mix(palette.sun, palette.glow, 0.3)
    colours = ramp(light, np.stack((dark, mix(dark, bright, 0.55), bright)))
    clouds = draw_sprite(colours, alpha, (-shot.width * 0.15, top), 0.35, 2)
    clouds.drift = lambda v: (-shot.width * 0.005 * v.seconds, 0.0)
    return clouds


def draw_aurora(shot: Shot, horizon: float) -> list[Layer]:
    """Curtains of light in two colours that sway and breathe out of step."""
    rows, columns = even(horizon * 0.96) // 2, even(shot.width * 1.3) // 2
    y, layers = np.arange(rows, dtype=np.float32)[:, None], list[Layer]()
    for turn in range(3):
        rng = shot.rng(f"aurora {turn}")
        foot = rows * (0.5 + 0.14 * turn + 0.2 * noise_line(rng, columns, 2.2, 0.42))
        rays = 0.5 + 0.5 * noise_line(rng, columns, 40, 0.75)
        power = np.clip(0.5 + 0.9 * noise_line(rng, columns, 3, 0.4), 0, 1) * (0.35 + 0.65 * rays)
        above = (foot - y) / (rows * (0.4 + 0.4 * rays))
        body = np.exp(-np.clip(above, 0, 9) * 2.6) * np.exp(-np.clip(-above, 0, 9) * 14)
        share = np.clip(above * 1.35, 0, 1)[..., None]
        colours = shot.palette.glow * (1 - share) + rgb("#9d7bf0") * share
        alpha = body * power * np.clip(y / (rows * 0.12), 0, 1) * 0.95
        curtain = draw_sprite(colours, alpha, (-shot.width * 0.15, 0), 0.2, 2)
        curtain.drift = lambda v, k=turn: (shot.width * 0.05 * sin(v.seconds * 0.35 + k * 2.1), 0.0)
        curtain.gain = lambda v, k=turn: 0.74 + 0.26 * sin(v.seconds * tau / 6 + k * 2.4)
        layers.append(curtain)
    return layers


def pour_water(shot: Shot, line: int, light: Point, mirror: Field | None = None) -> Layer:
    """Open water below the even row `line`, with a path of `light` (x and half width in pixels).

    `mirror` are colours (rows × columns × 3) that it shows, calmly, instead of the sky.
    """
    rows, columns, palette = even(shot.height - line), shot.width, shot.palette
    y, x = np.arange(0.5, rows, dtype=np.float32)[:, None], np.arange(columns, dtype=np.float32)
    down = y / rows
    path = np.exp(-(((x - light[0]) / (light[1] * (1 + 2.2 * down))) ** 2)) * (1 - 0.35 * down)
    calm, sparks = (1.0, 1.5) if mirror is None else (0.5, 0.3)
    if mirror is None:
        deep = mix(palette.near, palette.sky[0], 0.35)
        tones = np.stack([mix(c, deep, 0.22 + 0.13 * i) for i, c in enumerate(palette.sky[::-1])])
        mirror = ramp(down**0.62, tones) * np.ones((1, columns, 1), np.float32)
        near = 0.34 * path * (0.4 + 0.6 * np.exp(-y / (rows * 0.05)))
        mirror += near[..., None] * (palette.glow - mirror)
    mean = mirror.mean((0, 1))
    strength = (8 + 15 * np.sqrt(down)) * np.ones_like(x) * calm
    sparkle = path * (95 - 30 * down) * sparks
    strokes = (mix(palette.sky[2], palette.mist, 0.4) - mean) * 1.5 + 0.12
    yuv, shades = to_yuv(mirror), []
    for power, colour in ((strength, strokes), (sparkle, palette.sun - mean * 0.6)):
        shown = power * ((to_yuv(colour)[0] - 16) / 128)
        shades.append(np.clip(shown, -120, 120).astype(np.int16))
    planes = [dither(yuv[::by, ::by, index]) for index, by in enumerate((1, 2, 2))]
    ripples = [_draw_ripples(shot, rows, name) for name in ("one", "two")]

    def paint(canvas: Planes, view: View) -> None:
        slide = view.seconds * columns * 0.02 + view.pan[0] + columns
        at = (int(slide) % columns, int(columns * 2 - slide * 0.8) % columns)
        one, other = (r[:, x : x + columns] for r, x in zip(ripples, at, strict=True))
        wave = one + other
        out = (wave.astype(np.int16) - 118) * shades[0]
        out += (np.maximum(wave, 142) - np.uint8(142)) * shades[1]
        out >>= 6
        out += np.asarray(planes[0])
        luma = Image.fromarray(np.clip(out, 16, 240).astype(np.uint8))
        lay(canvas, [luma, *planes[1:]], (0, line, columns, shot.height))

    return paint


def _draw_ripples(shot: Shot, rows: int, name: str) -> Field:
    """Noise seen flat from above a water line, fine far away and broad close by; two frames wide."""
    far = np.linspace(0.012, 1, rows, dtype=np.float32)[:, None]
    texture = noise_cloud(shot.rng(f"ripple {name}"), (1024, 2048), (60, 34), 3) * 127
    across = np.arange(-shot.width, shot.width) / shot.unit
    # Depth along the surface grows as 1/y; the texture is mirrored on, so any reach is allowed.
    down, along = 285 / (far + 0.035), across * (260 / (far + 0.14))
    at = [n - abs(p.astype(int) % (2 * n) - n) for p, n in ((down, 1023), (along, 2047))]
    return np.asarray(texture.astype(np.uint8)[at[0], at[1]])


def make_weather(shot: Shot, grain: float) -> Layer:
    """The shot's rain, snow or motes, and film grain of about so many steps of light."""
    speeds, count, wide, high, light, blown = _FALLS.get(shot.weather, ((), 0, 0, 0, 0, 0))
    unit, width, height = shot.unit, round(shot.width * 1.06), shot.height
    tiles: list[tuple[Field, float]] = []
    for number, speed in enumerate(speeds):
        # Twice as high as the frame, the lower half like the upper one: so a tile wraps around.
        tile, many = Image.new("L", (width, height * 2)), count * (1 + number) // 2
        pen, rng = ImageDraw.Draw(tile), shot.rng(f"{shot.weather} {number}")
        for x, y, size in rng.uniform((0, 0, 0.3), (width, height, 1), (many, 3)):
            size *= 1 + 0.5 * number
            for top in (y - height, y, y + height):
                box = (x, top, x + max(1, unit * wide * size), top + unit * high * size)
                pen.ellipse(box, round(light * (0.6 + 0.4 * size)))
        soft = tile.filter(ImageFilter.BoxBlur(0.0008 * unit * (1 + number)))
        tiles.append((np.asarray(soft), speed))
    noise = shot.rng("grain").standard_normal((height + 64, shot.width + 64), np.float32)
    grey = (noise + np.roll(noise, 1, 1) + np.roll(noise, 1, 0)) * (0.58 * grain)
    grains = grey.round().astype(np.int8).view(np.uint8)

    def paint(canvas: Planes, view: View) -> None:
        (columns, rows), step = canvas[0].size, round(view.seconds * 997)
        shown = np.array(canvas[0])
        for number, (light, speed) in enumerate(tiles):
            top = rows - 1 - int(view.seconds * speed * rows) % rows
            swing = sin(view.seconds * 0.8 + number * 1.7) * blown
            left = int((light.shape[1] - columns) * (0.5 + 0.5 * swing))
            fallen = light[top : top + rows, left : left + columns]
            shown += np.minimum(fallen, np.uint8(235) - np.minimum(shown, 235))
        # The luma of video keeps clear of 0 and 255, so a few steps of grain cannot wrap around.
        np.clip(shown, 8, 235, out=shown)
        y, x = step * 29 % 64, step * 41 % 64
        shown += grains[y : y + rows, x : x + columns]
        canvas[0].paste(Image.fromarray(shown))

    return paint
