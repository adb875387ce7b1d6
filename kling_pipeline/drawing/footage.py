"""A camera over a given picture, and the way from a first picture to a last one."""

from dataclasses import dataclass
from math import pi, sin

import numpy as np
from PIL import Image

from kling_pipeline.drawing.camera import View, ease
from kling_pipeline.drawing.noise import drift_clouds, roll_dice
from kling_pipeline.drawing.photo import fit_photo, read_rgb
from kling_pipeline.drawing.planes import Bytes2D, Planes
from kling_pipeline.drawing.sheet import cut_sheet


@dataclass
class Footage:
    """Planes of the picture and, if there is one, of the picture at the end; `light` drifts over."""

    first: Planes
    last: Planes | None
    light: Bytes2D
    move: str
    side: float

    def paint(self, canvas: Planes, view: View) -> None:
        """Paint the moment `view.t`: exactly the first picture at 0, the last one at 1."""
        t = view.t
        share = 0.0 if self.last is None else ease(max(0.0, (t - 0.6) / 0.4))
        zoom, x, y = self._aim(t)
        for index, plane in enumerate(canvas):
            shown = None
            if share < 1:
                shown = _crop(self.first[index], plane.shape, zoom, (x, y))
            if self.last is not None and share > 0:
                other = _crop(self.last[index], plane.shape, zoom, (x, y))
                shown = other if shown is None else Image.blend(shown, other, share)
            plane[:] = np.asarray(shown)
        self._sweep(canvas[0], t)

    def _aim(self, t: float) -> tuple[float, float, float]:
        """Zoom and the centre's shift, -1..1 of the room that the zoom leaves."""
        if self.last is not None:
            # In and out again: both pictures are in step, and the last one stands still and whole.
            rise = ease(t / 0.66) if t < 0.66 else ease((1 - t) / 0.34)
            return 1 + 0.085 * rise, self.side * 0.5, -0.2
        e = ease(t)
        zoom = 1 + 0.15 * (1 - e if self.move == "pull" else e)
        x = {"left": -1.0, "right": 1.0}.get(self.move, self.side * 0.45)
        y = {"up": -1.0, "down": 1.0}.get(self.move, -0.25)
        if self.move == "orbit":
            zoom, x = 1 + 0.16 * sin(pi * min(1, t * 0.62)), self.side * sin(pi * t)
        return (1.0, 0.0, 0.0) if self.move == "still" else (zoom, x, y)

    def _sweep(self, luma: Bytes2D, t: float) -> None:
        columns = luma.shape[1]
        left = int((self.light.shape[1] - columns) * (t if self.side > 0 else 1 - t))
        power = np.uint16(256 * sin(pi * min(1.0, max(0.0, t))))
        if power == 0:
            return
        glow = (self.light[:, left : left + columns].astype(np.uint16) * power) >> 8
        np.minimum(luma, 235, out=luma)
        luma += np.minimum(glow.astype(np.uint8), np.uint8(235) - luma)


def shoot(
    first: Image.Image, last: Image.Image | None, size: tuple[int, int], move: str, seed: int
) -> Footage:
    """Footage of `size` (width, height) over one picture or between two."""
    rng = roll_dice(seed, "footage")
    side = float(rng.choice((-1, 1)))
    small = drift_clouds(rng, (size[1] // 8, size[0] // 4), (2, 4), 2)
    glow = Image.fromarray((small**1.6 * 17).astype(np.uint8))
    light = np.asarray(glow.resize((size[0] * 2, size[1]), Image.Resampling.BICUBIC))
    ends = (_planes(p, size) if p is not None else None for p in (first, last))
    start, end = ends
    assert start is not None
    return Footage(start, end, light, move, side)


def _planes(image: Image.Image, size: tuple[int, int]) -> Planes:
    return cut_sheet(read_rgb(fit_photo(image, size))).planes


def _crop(
    plane: Bytes2D, shape: tuple[int, ...], zoom: float, shift: tuple[float, float]
) -> Image.Image:
    high, wide = plane.shape
    image = Image.frombuffer("L", (wide, high), plane, "raw", "L", 0, 1)
    if zoom <= 1.0001:
        return image
    room_x, room_y = wide * (1 - 1 / zoom), high * (1 - 1 / zoom)
    left, top = room_x * (0.5 + shift[0] / 2), room_y * (0.5 + shift[1] / 2)
    box = (left, top, min(wide, left + wide / zoom), min(high, top + high / zoom))
    return image.resize((shape[1], shape[0]), Image.Resampling.BILINEAR, box)
