"""What falls and floats before the lens, at full frame rate: rain, snow, motes, film grain."""

from dataclasses import dataclass
from math import sin

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from kling_pipeline.drawing.noise import Field, roll_dice
from kling_pipeline.drawing.planes import Bytes2D

FALLS = {"rain": (1.45, 2.1), "snow": (0.055, 0.1), "dust": (-0.012, -0.03)}
GRAIN = 0.8


@dataclass
class Weather:
    """Tiles of light that wrap downwards; each falls with its own speed in heights a second."""

    tiles: list[tuple[Bytes2D, float]]
    sideways: float
    grain: Bytes2D
    seed: int

    def pass_over(self, luma: Bytes2D, frame: int, seconds: float) -> None:
        """Add this frame's drops and grain to a luma plane in place."""
        rows, columns = luma.shape
        for number, (tile, speed) in enumerate(self.tiles):
            high = tile.shape[0] // 2
            top = high - 1 - int(seconds * speed * rows) % high
            slack = tile.shape[1] - columns
            swing = 0.5 + 0.5 * sin(seconds * 0.8 + number * 1.7) * self.sideways
            left = int(slack * swing)
            light = tile[top : top + rows, left : left + columns]
            room = np.uint8(235) - np.minimum(luma, 235)
            luma += np.minimum(light, room)
        rng = roll_dice(self.seed, f"grain {frame}")
        y, x = (int(v) for v in rng.integers(0, 64, 2))
        # The luma of video keeps clear of 0 and 255, so a few steps of grain cannot wrap around.
        np.clip(luma, 8, 247, out=luma)
        luma += self.grain[y : y + rows, x : x + columns]


def make_weather(kind: str, seed: int, size: tuple[int, int], grain: float = GRAIN) -> Weather:
    """Weather for frames of `size` (width, height); an unknown kind is clear air with grain."""
    width, height = size
    tiles: list[tuple[Bytes2D, float]] = []
    for number, speed in enumerate(FALLS.get(kind, ())):
        tiles.append((_tile(kind, seed, number, (width, height)), speed))
    rng = roll_dice(seed, "grain")
    noise = rng.standard_normal((height + 64, width + 64), dtype=np.float32)
    soft = (noise[:, :] + np.roll(noise, 1, 1) + np.roll(noise, 1, 0)) * np.float32(0.58 * grain)
    return Weather(
        tiles, 0.0 if kind == "rain" else 1.0, soft.round().astype(np.int8).view(np.uint8), seed
    )


def _tile(kind: str, seed: int, number: int, size: tuple[int, int]) -> Bytes2D:
    """A tile twice as high as the frame, its lower half like its upper one."""
    rng = roll_dice(seed, f"{kind} {number}")
    width, height = round(size[0] * 1.06), size[1]
    unit = min(size)
    image = Image.new("L", (width, height * 2))
    pen = ImageDraw.Draw(image)
    count = {"rain": 150, "snow": 170, "dust": 26}[kind] * (1 + number) // 2
    for x, y, p in zip(
        rng.uniform(0, width, count),
        rng.uniform(0, height, count),
        rng.uniform(0.3, 1, count),
        strict=True,
    ):
        for lap in (-height, 0, height, 2 * height):
            _drop(pen, kind, x, y + lap, float(p) * (1 + 0.5 * number), unit)
    soft = {"rain": 0.0007, "snow": 0.0012, "dust": 0.0022}[kind] * unit * (1 + number)
    return np.asarray(image.filter(ImageFilter.BoxBlur(soft)))


def _drop(pen: ImageDraw.ImageDraw, kind: str, x: float, y: float, p: float, unit: int) -> None:
    if kind == "rain":
        length = unit * 0.055 * p
        pen.line(
            (x, y, x - length * 0.09, y + length),
            fill=round(34 + 30 * p),
            width=max(1, unit // 640),
        )
    else:
        r = unit * (0.0035 if kind == "snow" else 0.0042) * p
        light = 105 + 60 * p if kind == "snow" else 40 + 40 * p
        pen.ellipse((x - r, y - r, x + r, y + r), fill=round(min(light, 200)))


def shade_edges(size: tuple[int, int], strength: float = 0.2) -> NDArray[np.uint16]:
    """A vignette as factors of 256 for a plane of `size` (width, height)."""
    y = np.linspace(-1, 1, size[1], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, size[0], dtype=np.float32)[None, :]
    far: Field = np.clip((x * x * 0.8 + y * y * 0.7) - 0.35, 0, 2)
    return (256 * (1 - strength * far)).round().astype(np.uint16)
