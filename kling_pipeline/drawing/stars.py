"""Stars: points of light that are added to the picture one by one."""

from dataclasses import dataclass

import numpy as np

from kling_pipeline.drawing.camera import View
from kling_pipeline.drawing.noise import Field
from kling_pipeline.drawing.planes import Planes
from kling_pipeline.drawing.words import Brief


@dataclass
class Stars:
    """Points of light of their own brightness and pulse; `x`, `y` are pixels of the world."""

    x: Field
    y: Field
    power: Field
    phase: Field
    depth: float = 0.12

    def horizon(self, view: View) -> float:
        """Stars hide nothing."""
        return 1e9

    def paint(self, canvas: Planes, view: View, bottom: float) -> None:
        """Add each star to the four pixels around it."""
        luma = canvas[0]
        rows, columns = luma.shape
        scale, left, top = view.place(self.depth, 0.0, 0.0)
        x, y = self.x * scale + left, self.y * scale + top
        seen = (x > 0) & (y > 0) & (x < columns - 2) & (y < min(rows, bottom) - 2)
        pulse = 0.7 + 0.3 * np.sin(view.seconds * 2.6 + self.phase[seen])
        light = self.power[seen] * pulse
        column, row = x[seen].astype(np.intp), y[seen].astype(np.intp)
        fx, fy = x[seen] - column, y[seen] - row
        for dx, dy, share in (
            (0, 0, (1 - fx) * (1 - fy)),
            (1, 0, fx * (1 - fy)),
            (0, 1, (1 - fx) * fy),
            (1, 1, fx * fy),
        ):
            spot = luma[row + dy, column + dx].astype(np.float32)
            luma[row + dy, column + dx] = np.minimum(235, spot + light * share)


def scatter_stars(brief: Brief, horizon: float, share: float = 1.0) -> Stars:
    """Stars above the row `horizon`, fewer and fainter towards it."""
    rng = brief.dice("stars")
    count = int(share * 720 * brief.width / brief.height)
    x = rng.uniform(-0.1, 1.1, count) * brief.width
    y = rng.uniform(-0.1, 1, count) * horizon
    power = rng.uniform(0.12, 1, count) ** 2.6 * 330 * (1 - np.clip(y / horizon, 0, 1)) ** 0.6
    bright = power > 130
    # The few bright ones get a small body, so that they stay stars and do not become dead pixels.
    body = [(x, y, power)]
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        step = brief.unit / 720
        body.append((x[bright] + dx * step, y[bright] + dy * step, power[bright] * 0.4))
    phase = rng.uniform(0, 6.28, count)
    phases = np.concatenate([phase] + [phase[bright]] * 4)
    xs, ys, powers = (np.concatenate(v) for v in zip(*body, strict=True))
    return Stars(xs, ys, powers, phases)
