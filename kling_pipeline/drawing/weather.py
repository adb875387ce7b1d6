"""What falls and floats before the lens, at full frame rate: rain, snow, motes, film grain."""

from dataclasses import dataclass
from math import sin

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from kling_pipeline.drawing.layers import Layer, Planes, View
from kling_pipeline.drawing.prompt import Shot

# kind → speeds of a far and a near tile in heights a second, drops, their width and height in
# shares of the frame, their light, and how far they are blown to the sides
_FALLS = {
    "rain": ((1.45, 2.1), 150, 0.0008, 0.055, 50, 0),
    "snow": ((0.055, 0.1), 130, 0.0056, 0.0056, 150, 1),
    "dust": ((-0.012, -0.03), 26, 0.008, 0.008, 60, 1),
}


@dataclass
class _Weather(Layer):
    tiles: list[tuple[NDArray[np.uint8], float]]
    blown: float
    grain: NDArray[np.uint8]

    def paint(self, canvas: Planes, view: View) -> None:
        (columns, rows), step = canvas[0].size, round(view.seconds * 997)
        shown = np.array(canvas[0])
        for number, (tile, speed) in enumerate(self.tiles):
            top = rows - 1 - int(view.seconds * speed * rows) % rows
            swing = sin(view.seconds * 0.8 + number * 1.7) * self.blown
            left = int((tile.shape[1] - columns) * (0.5 + 0.5 * swing))
            light = tile[top : top + rows, left : left + columns]
            shown += np.minimum(light, np.uint8(235) - np.minimum(shown, 235))
        # The luma of video keeps clear of 0 and 255, so a few steps of grain cannot wrap around.
        np.clip(shown, 8, 235, out=shown)
        y, x = step * 29 % 64, step * 41 % 64
        shown += self.grain[y : y + rows, x : x + columns]
        canvas[0].paste(Image.fromarray(shown))


def make_weather(shot: Shot, grain: float) -> Layer:
    """The shot's rain, snow or motes, and film grain of about so many steps of light."""
    speeds, count, wide, high, light, blown = _FALLS.get(shot.weather, ((), 0, 0, 0, 0, 0))
    tiles, unit, width, height = [], shot.unit, round(shot.width * 1.06), shot.height
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
    return _Weather(tiles, blown, grey.round().astype(np.int8).view(np.uint8))
