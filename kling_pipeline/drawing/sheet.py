"""Sheets of the multiplane stage: drawn once, then moved, scaled and laid over each other.

Everything lives in limited-range BT.709 planes, because the encoder wants them and because two of
the three are a quarter of the size: that is what lets a clip be drawn in a second.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil, floor
from typing import Protocol

import numpy as np

from kling_pipeline.drawing.camera import View
from kling_pipeline.drawing.noise import Field, dither
from kling_pipeline.drawing.planes import (
    TO_U,
    TO_V,
    TO_Y,
    Bytes2D,
    Planes,
    cover,
    halve,
)
from kling_pipeline.drawing.sampling import choose, take


@dataclass
class Sheet:
    """One drawn layer, its planes multiplied by its alpha; sizes are even.

    `x` and `y` are pixels of the world, `solid` the first row that hides everything behind it over
    the whole width, `sway` moves it with the view, `gain` fades it (0..1). `blurred` and
    `plain` say that the whole sheet, or its solid part, has no edges.
    """

    planes: Planes
    alpha: Bytes2D | None = None
    half_alpha: Bytes2D | None = None
    x: float = 0.0
    y: float = 0.0
    depth: float = 1.0
    solid: int | None = None
    sway: Callable[[View], tuple[float, float]] | None = None
    gain: Callable[[View], float] | None = None
    blurred: bool = False
    plain: bool = True

    def horizon(self, view: View) -> float:
        """The first screen row below which nothing behind this sheet can be seen."""
        if self.solid is None:
            return 1e9
        scale, _, top = self._place(view)
        return top + self.solid * scale

    def paint(self, canvas: Planes, view: View, bottom: float) -> None:
        """Lay the sheet over the canvas down to the row `bottom`."""
        scale, left, top = self._place(view)
        rows, columns = canvas[0].shape
        high, wide = self.planes[0].shape
        x0, x1 = max(0, _up(left)), min(columns, _down(left + wide * scale))
        y0, y1 = max(0, _up(top)), min(rows, _down(top + high * scale), _up(bottom))
        if x1 <= x0 or y1 <= y0:
            return
        cut = y1
        if self.alpha is None:
            cut = y0
        elif self.solid is not None:
            cut = min(y1, max(y0, _up(top + self.solid * scale)))
        gain = 1.0 if self.gain is None else self.gain(view)
        for begin, end, blend in ((y0, cut, True), (cut, y1, False)):
            if end > begin:
                at = ((x0 - left) / scale, (begin - top) / scale)
                self._lay(canvas, (x0, begin, x1, end), at, scale, gain if blend else None)

    def _place(self, view: View) -> tuple[float, float, float]:
        dx, dy = self.sway(view) if self.sway else (0.0, 0.0)
        return view.place(self.depth, self.x + dx, self.y + dy)

    def _lay(
        self,
        canvas: Planes,
        area: tuple[int, int, int, int],
        at: tuple[float, float],
        scale: float,
        gain: float | None,
    ) -> None:
        solid = gain is None or self.alpha is None
        # Where there are no edges the nearest pixel is as good as four, and ten times cheaper.
        near = self.blurred or (solid and self.plain)
        for part in (1, 2):
            x0, y0, x1, y1 = (v // part for v in area)
            left, top = at[0] / part, at[1] / part
            box = (left, top, left + (x1 - x0) / scale, top + (y1 - y0) / scale)
            spots = choose(box, (x1 - x0, y1 - y0), self.planes[part - 1].shape) if near else None
            mask = None if solid else self.half_alpha if part == 2 else self.alpha
            over = None if mask is None else take(mask, spots, (x1 - x0, y1 - y0), box)
            for plane, source in list(zip(canvas, self.planes, strict=True))[
                part - 1 : 2 * part - 1
            ]:
                fresh = take(source, spots, (x1 - x0, y1 - y0), box)
                if over is None:
                    plane[y0:y1, x0:x1] = fresh
                else:
                    cover(plane[y0:y1, x0:x1], fresh, over, 1.0 if gain is None else gain)


class Layer(Protocol):
    """Anything that can be laid on the stage."""

    def horizon(self, view: View) -> float:
        """The first screen row below which nothing behind can be seen."""

    def paint(self, canvas: Planes, view: View, bottom: float) -> None:
        """Lay itself over the canvas down to the row `bottom`."""


@dataclass
class Pile:
    """Layers from back to front, and how to lay them down."""

    layers: list[Layer] = field(default_factory=list)

    def paint(self, canvas: Planes, view: View) -> None:
        """Paint all layers, leaving out rows that a solid layer hides."""
        bottoms, bottom = [], 1e9
        for layer in reversed(self.layers):
            bottoms.append(bottom)
            bottom = min(bottom, layer.horizon(view))
        for layer, limit in zip(self.layers, reversed(bottoms), strict=True):
            layer.paint(canvas, view, limit)


def cut_sheet(rgb: Field, alpha: Field | None = None) -> Sheet:
    """A sheet from colours of 0..1 (rows × columns × 3) and an alpha of 0..1."""
    rows, columns = rgb.shape[0] // 2 * 2, rgb.shape[1] // 2 * 2
    rgb = rgb[:rows, :columns]
    half = halve(rgb)
    fields = (rgb @ TO_Y + 16, half @ TO_U + 128, half @ TO_V + 128)
    return lay_planes(fields, None if alpha is None else alpha[:rows, :columns])


def lay_planes(fields: tuple[Field, Field, Field], alpha: Field | None = None) -> Sheet:
    """A sheet from float planes (the second and third half as large) and an alpha of 0..1."""
    if alpha is None:
        y, u, v = (dither(f) for f in fields)
        return Sheet((y, u, v))
    small = halve(alpha)
    parts = zip(fields, (alpha, small, small), strict=True)
    y, u, v = (_quiet(f * a, a) for f, a in parts)
    full, half = ((m * 255 + 0.5).astype(np.uint8) for m in (alpha, small))
    return Sheet((y, u, v), full, half)


def _quiet(values: Field, alpha: Field) -> Bytes2D:
    """Dithered bytes that stay zero where the sheet is clear."""
    out = dither(values)
    out[alpha < 0.002] = 0
    return out


def _up(value: float) -> int:
    return ceil(min(value, 1e8) / 2) * 2


def _down(value: float) -> int:
    return floor(value / 2) * 2
