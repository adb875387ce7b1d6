"""A city at night: blocks with lit windows in layers, and the wet street that mirrors them."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from kling_pipeline.drawing.heavens import even
from kling_pipeline.drawing.noise import Field
from kling_pipeline.drawing.palette import Colour, mix, read_colour
from kling_pipeline.drawing.photo import read_rgb
from kling_pipeline.drawing.sheet import Layer, Sheet, cut_sheet
from kling_pipeline.drawing.water import pour_water
from kling_pipeline.drawing.words import Brief

LAMPS = ("#ffd58a", "#ffb765", "#fff1cf", "#8fd6ff", "#ff8a6a")


def raise_city(brief: Brief, line: int) -> list[Layer]:
    """Three rows of blocks standing on the row `line`, and what the wet ground shows of them."""
    layers: list[Layer] = []
    width, pad = brief.width, even(brief.width * 0.13)
    mirror = np.zeros((even(brief.height - line), even(width), 3), np.float32)
    mirror += mix(brief.palette.near, brief.palette.sky[2], 0.3)
    for row in range(3):
        near = row / 2
        rgb, alpha = _blocks(brief, row, even(brief.unit * (0.5 + 0.06 * row)), width + 2 * pad)
        _reflect(mirror, rgb[:, pad : pad + width], alpha[:, pad : pad + width])
        sheet = cut_sheet(rgb, alpha)
        sheet.x, sheet.y, sheet.depth = -pad, line - rgb.shape[0], 0.4 + 0.5 * near
        layers.append(sheet)
    blurred = _soften(mirror, brief.unit)
    layers.append(pour_water(brief, line, (width / 2, width * 0.2), 0.5, blurred))
    layers.append(_haze(brief, line))
    layers += _bokeh(brief, line)
    return layers


def _blocks(brief: Brief, row: int, high: int, wide: int) -> tuple[Field, Field]:
    rng = brief.dice(f"city {row}")
    unit, near, palette = brief.unit, row / 2, brief.palette
    body = mix(mix(palette.sky[2], palette.far, 0.55), palette.near, 0.25 + 0.62 * near)
    picture, mask = Image.new("RGB", (wide, high)), Image.new("L", (wide, high))
    pen, cut = ImageDraw.Draw(picture), ImageDraw.Draw(mask)
    x = -unit * 0.05
    while x < wide:
        broad = unit * rng.uniform(0.05, 0.13) * (0.8 + 0.5 * near)
        rise = rng.beta(1.6, 2.6) * 0.85 + 0.12
        tall = high * min(0.97, rise * (1.0 - 0.3 * near))
        tone = _bytes(body * rng.uniform(0.8, 1.12))
        box = (round(x), round(high - tall), round(x + broad), high)
        pen.rectangle(box, fill=tone)
        cut.rectangle(box, fill=255)
        if rng.random() < 0.3:
            mast = round(x + broad / 2)
            width = max(1, unit // 500)
            pen.line((mast, high - tall - unit * 0.05, mast, high - tall), fill=tone, width=width)
            cut.line((mast, high - tall - unit * 0.05, mast, high - tall), fill=255, width=width)
        _windows(brief, pen, rng, box, near)
        x += broad * rng.uniform(0.92, 1.25)
    rgb = read_rgb(picture)
    down = np.linspace(0, 1, high, dtype=np.float32)[:, None, None]
    fog = mix(palette.sky[3], palette.mist, 0.4)
    share = (0.1 + 0.5 * down**2) * (1 - 0.72 * near) * 0.75
    return rgb * (1 - share) + fog * share, np.asarray(mask, np.float32) / 255


def _windows(
    brief: Brief,
    pen: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    box: tuple[int, int, int, int],
    near: float,
) -> None:
    unit = brief.unit
    cell = max(4, round(unit * (0.0085 + 0.005 * near)))
    size = max(1, round(cell * 0.46))
    lamp = read_colour(LAMPS[int(rng.choice(5, p=(0.42, 0.26, 0.14, 0.1, 0.08)))])
    share = rng.uniform(0.14, 0.5) * (1 if brief.palette.night else 0.6)
    power = 0.55 + 0.45 * near
    body = mix(brief.palette.near, brief.palette.far, 0.3)
    for y in range(box[1] + cell, box[3] - cell, round(cell * 1.25)):
        for x in range(box[0] + cell // 2, box[2] - size, cell):
            if rng.random() < share:
                light = rng.uniform(0.35, 1) * power
                pen.rectangle(
                    (x, y, x + size - 1, y + round(size * 1.3)), fill=_bytes(mix(body, lamp, light))
                )


def _reflect(mirror: Field, rgb: Field, alpha: Field) -> None:
    """Lay a row of blocks upside down into the mirror, stretched as wet ground does."""
    rows, columns = mirror.shape[:2]
    at = np.minimum((np.arange(rows) * (rgb.shape[0] / rows) * 0.95).astype(int), rgb.shape[0] - 1)
    flipped, cover = rgb[::-1][at][:, :columns], alpha[::-1][at][:, :columns, None]
    mirror[:] = mirror * (1 - cover) + flipped * cover


def _soften(mirror: Field, unit: int) -> Field:
    high = mirror.shape[0]
    image = Image.fromarray((np.clip(mirror, 0, 1) * 255).astype(np.uint8))
    image = image.filter(ImageFilter.BoxBlur((unit * 0.004, unit * 0.03)))
    down = np.linspace(1, 0.3, high, dtype=np.float32)[:, None, None]
    out: Field = np.clip(read_rgb(image) ** 0.9 * 1.35 * down, 0, 1)
    return out


def _haze(brief: Brief, line: int) -> Sheet:
    rows, columns = even(brief.unit * 0.3), even(brief.width * 1.3)
    down = np.linspace(-1, 1, rows, dtype=np.float32)[:, None] * np.ones((1, columns), np.float32)
    alpha = np.clip(1 - np.abs(down), 0, 1) ** 2 * 0.3
    rgb = np.ones((rows, columns, 3), np.float32) * mix(brief.palette.glow, brief.palette.mist, 0.4)
    sheet = cut_sheet(rgb, alpha.astype(np.float32))
    sheet.x, sheet.y, sheet.blurred = -brief.width * 0.15, line - rows / 2, True
    return sheet


def _bokeh(brief: Brief, line: int) -> list[Layer]:
    """Lamps out of focus before the lens."""
    rng, sheets = brief.dice("bokeh"), list[Layer]()
    for _ in range(int(rng.integers(7, 12))):
        radius = brief.unit * rng.uniform(0.012, 0.034)
        reach = even(radius + 3)
        y, x = np.mgrid[-reach:reach, -reach:reach].astype(np.float32) + 0.5
        far = np.hypot(x, y)
        disc = np.clip((radius - far) / 2 + 0.5, 0, 1) * (
            0.55 + 0.45 * np.clip(far / radius, 0, 1) ** 4
        )
        colour = read_colour(LAMPS[int(rng.integers(5))])
        rgb = np.ones((*far.shape, 3), np.float32) * colour
        sheet = cut_sheet(rgb, (disc * rng.uniform(0.12, 0.3)).astype(np.float32))
        sheet.x = rng.uniform(0, brief.width) - reach
        sheet.y = line + brief.unit * rng.uniform(-0.12, 0.3) - reach
        sheet.depth = rng.uniform(1.5, 2.4)
        sheets.append(sheet)
    return sheets


def _bytes(colour: Colour) -> tuple[int, int, int]:
    red, green, blue = (int(min(1.0, max(0.0, float(c))) * 255) for c in colour)
    return red, green, blue
