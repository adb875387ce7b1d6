"""Folds of silk: sines that bend each other, lit from the side, in slow motion."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from kling_pipeline.simulator.drawn.camera import View
from kling_pipeline.simulator.drawn.heavens import ramp
from kling_pipeline.simulator.drawn.noise import Field
from kling_pipeline.simulator.drawn.palette import mix, read_colour
from kling_pipeline.simulator.drawn.sheet import TO_U, TO_V, TO_Y, Planes
from kling_pipeline.simulator.drawn.words import Brief

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
        t = view.seconds * 0.22
        height = np.zeros_like(x)
        bend = np.zeros_like(x)
        for angle_x, angle_y, phase, speed, weight in self.waves:
            bend += weight * np.sin(angle_x * x + angle_y * y + phase + speed * t + 1.3 * height)
            height += weight * np.cos(angle_y * 0.8 * x - angle_x * 0.7 * y + phase * 2 - speed * t + bend)
        across, down = np.gradient(height, axis=1), np.gradient(height, axis=0)
        steep = STEP / canvas[0].shape[0]
        light = 0.46 + (across * 0.62 - down * 0.5) / steep * 0.16 + 0.1 * height
        shine = np.clip(light - 0.72, 0, 1) ** 2 * 3.2
        share = np.clip(light * 0.82 + shine, 0, 1)
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
    slant = rng.uniform(-0.9, 0.9)
    waves = []
    for index in range(5):
        pace = (1.9, 2.9, 4.3, 6.1, 8.7)[index] * rng.uniform(0.8, 1.2)
        angle = slant + rng.uniform(-0.5, 0.5)
        weight = (1.0, 0.6, 0.34, 0.16, 0.07)[index]
        waves.append((pace * np.cos(angle), pace * np.sin(angle), rng.uniform(0, 6.3), rng.choice((-1, 1)) * rng.uniform(0.8, 1.5), weight))
    main = brief.tint if brief.tint is not None else _silk_colour(brief)
    black, white = read_colour("#08070c"), read_colour("#fff8f0")
    stops = (mix(main, black, 0.9), mix(main, black, 0.62), mix(main, black, 0.2), main, mix(main, white, 0.72))
    table = ramp(np.linspace(0, 1, 1024, dtype=np.float32)[None, :], stops)[0]
    tones = np.stack([table @ TO_Y + 16, table @ TO_U + 128, table @ TO_V + 128], -1)
    grid = (np.broadcast_to(v, (high, wide)).astype(np.float32) for v in (x, y))
    return Silk(*grid, np.array(waves, np.float32), tones.astype(np.float32))


def _silk_colour(brief: Brief) -> Field:
    colours = ("#c8443c", "#1f7fa8", "#6f42c0", "#d98a3a", "#2f8f78", "#c24a86", "#8a94a6")
    return read_colour(colours[int(brief.dice("silk colour").integers(len(colours)))])
