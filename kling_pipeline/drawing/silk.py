"""Folds of silk: sines that bend each other, lit from the side, in slow motion."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from kling_pipeline.drawing.camera import View
from kling_pipeline.drawing.noise import Field
from kling_pipeline.drawing.palette import mix, ramp, read_colour
from kling_pipeline.drawing.planes import TO_U, TO_V, TO_Y, Planes
from kling_pipeline.drawing.words import Brief

STEP = 4


@dataclass
class Silk:
    """A cloth over the whole frame; `x`, `y` are coordinates of every fourth pixel."""

    x: Field
    y: Field
    waves: Field
    tones: Field

    def horizon(self, view: View) -> float:
        """Silk hides everything."""
        return 0.0

    def paint(self, canvas: Planes, view: View, bottom: float) -> None:
        """Paint the moment's folds from the frame's own height field."""
        zoom = 1 / view.zoom
        x = self.x * zoom - view.pan[0] / canvas[0].shape[0]
        y = self.y * zoom - view.pan[1] / canvas[0].shape[0]
        t = view.seconds * 0.3
        cos, sin_, turn, swirl = self.waves[0, :4]
        along, across = x * cos + y * sin_, y * cos - x * sin_
        along = along + 0.2 * np.sin(across * 2.1 + turn + 0.6 * t)
        along += 0.07 * np.sin(across * 5.3 - 1.4 * along + swirl - 0.8 * t)
        along += 0.025 * np.sin(across * 9.1 + 6 * along + turn * 3 + 1.1 * t)
        light, crease = np.zeros_like(along), np.ones_like(along)
        for pace, phase, speed, weight in self.waves[1:]:
            fold = np.sin(pace * along + phase + speed * t + 0.9 * np.sin(across * 1.7 + phase))
            light += weight * fold
            crease *= 1 - weight * 0.4 * np.clip(-fold, 0, 1) ** 2
        lit = 0.5 + 0.5 * np.tanh(1.15 * light)
        share = np.clip(0.04 + (0.6 * lit + 0.4 * lit**7) * crease, 0, 1)
        at = (share * (len(self.tones) - 1)).astype(np.intp)
        for index, plane in enumerate(canvas):
            field = self.tones[at, index]
            high, wide = plane.shape
            image = Image.fromarray(field).resize((wide, high), Image.Resampling.BILINEAR)
            plane[:] = np.clip(np.asarray(image) + 0.5, 16, 240).astype(np.uint8)


def hang_silk(brief: Brief) -> Silk:
    """Silk in the palette's accent, or in the colour that was asked for."""
    rng = brief.dice("silk")
    high, wide = -(-brief.height // STEP), -(-brief.width // STEP)
    y = (np.arange(high, dtype=np.float32)[:, None] * STEP - brief.height / 2) / brief.height
    x = (np.arange(wide, dtype=np.float32)[None, :] * STEP - brief.width / 2) / brief.height
    slant = rng.uniform(0.15, 0.75) * rng.choice((-1, 1))
    waves = [(np.cos(slant), np.sin(slant), rng.uniform(0, 6.3), rng.uniform(0, 6.3))]
    for pace, weight in ((4.6, 1.0), (8.3, 0.62), (14.5, 0.3), (27.0, 0.12)):
        speed = rng.choice((-1, 1)) * rng.uniform(0.8, 1.5)
        waves.append((pace * rng.uniform(0.85, 1.15), rng.uniform(0, 6.3), speed, weight))
    main = brief.tint if brief.tint is not None else _silk_colour(brief)
    black, white = read_colour("#08070c"), read_colour("#fff8f0")
    stops = (
        mix(main, black, 0.9),
        mix(main, black, 0.62),
        mix(main, black, 0.2),
        main,
        mix(main, white, 0.72),
    )
    table = ramp(np.linspace(0, 1, 1024, dtype=np.float32)[None, :], stops)[0]
    tones = np.stack([table @ TO_Y + 16, table @ TO_U + 128, table @ TO_V + 128], -1)
    grid = [np.broadcast_to(v, (high, wide)).astype(np.float32) for v in (x, y)]
    return Silk(grid[0], grid[1], np.array(waves, np.float32), tones.astype(np.float32))


def _silk_colour(brief: Brief) -> Field:
    colours = ("#c8443c", "#1f7fa8", "#6f42c0", "#d98a3a", "#2f8f78", "#c24a86", "#8a94a6")
    return read_colour(colours[int(brief.dice("silk colour").integers(len(colours)))])
