"""Open water: a mirrored sky broken by two sheets of ripples that slide against each other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kling_pipeline.drawing.camera import View
from kling_pipeline.drawing.heavens import even
from kling_pipeline.drawing.noise import Field, dither, drift_clouds
from kling_pipeline.drawing.palette import mix, ramp
from kling_pipeline.drawing.planes import TO_U, TO_V, TO_Y, Bytes2D, Planes
from kling_pipeline.drawing.words import Brief

Words2D = NDArray[np.int16]


@dataclass
class Water:
    """Water from the row `line` down, painted anew for every view."""

    line: int
    bases: tuple[Bytes2D, Bytes2D, Bytes2D]
    shade: tuple[Words2D, Words2D, Words2D]
    glint: tuple[Words2D, Words2D, Words2D]
    ripples: tuple[Bytes2D, Bytes2D]

    def horizon(self, view: View) -> float:
        """Nothing shows behind water below its line."""
        return float(self.line)

    def paint(self, canvas: Planes, view: View, bottom: float) -> None:
        """Paint the moment's ripples: dark and light strokes everywhere, sparks in the light's path."""
        rows, columns = self.bases[0].shape
        room = self.ripples[0].shape[1] - columns
        slide = view.seconds * columns * 0.02 + view.pan[0] + columns
        one = int(slide) % room
        other = int(columns * 2 - slide * 0.8) % room
        wave = self.ripples[0][:, one : one + columns] + self.ripples[1][:, other : other + columns]
        spark = np.maximum(wave, 142) - np.uint8(142)
        for index, plane in enumerate(canvas):
            part = 2 if index else 1
            w = wave[::part, ::part].astype(np.int16) - 118
            s = spark[::part, ::part].astype(np.int16)
            w *= self.shade[index]
            s *= self.glint[index]
            w += s
            w >>= 6
            w += self.bases[index]
            np.clip(w, 16, 240, out=w)
            plane[self.line // part : self.line // part + rows // part] = w


def pour_water(
    brief: Brief,
    line: int,
    light: tuple[float, float],
    calm: float = 1.0,
    mirror: Field | None = None,
) -> Water:
    """Water below the even row `line`; `light` is (x, half width) of the bright path in pixels.

    `mirror` are the colours (rows × columns × 3) that the water shows instead of the sky.
    """
    rows, columns = even(brief.height - line), even(brief.width)
    palette = brief.palette
    y = np.arange(rows, dtype=np.float32)[:, None] + 0.5
    x = np.arange(columns, dtype=np.float32)[None, :]
    down = y / rows
    stops = palette.sky[::-1]
    deep = mix(palette.near, palette.sky[0], 0.35)
    tones = tuple(mix(c, deep, 0.22 + 0.13 * i) for i, c in enumerate(stops))
    rgb = ramp(np.clip(down**0.62, 0, 1) * np.ones_like(x), tones) if mirror is None else mirror
    spread = light[1] * (1 + 2.2 * down)
    path = np.exp(-(((x - light[0]) / spread) ** 2)) * (1 - 0.35 * down)
    near = np.exp(-y / (rows * 0.05))
    if mirror is None:
        rgb += (0.34 * path * (0.4 + 0.6 * near))[..., None] * (palette.glow - rgb)
    tilt = mix(palette.sky[2], palette.mist, 0.4) - rgb.mean((0, 1))
    strength = (8 + 15 * np.sqrt(down)) * np.ones_like(x) * calm
    sparkle = path * (95 - 30 * down) * (1.5 if mirror is None else 0.3)
    return Water(
        line,
        _bases(rgb),
        _strokes(strength, tilt * 1.5 + 0.12),
        _strokes(sparkle, palette.sun - rgb[:: max(1, rows // 8)].mean((0, 1)) * 0.6),
        (_ripple(brief, rows, columns, "ripple one"), _ripple(brief, rows, columns, "ripple two")),
    )


def _ripple(brief: Brief, rows: int, columns: int, name: str) -> Bytes2D:
    """Noise seen flat from above a water line: fine far away, broad close by."""
    wide = columns * 2
    far = np.linspace(0.012, 1, rows, dtype=np.float32)
    texture = drift_clouds(brief.dice(name), (1024, 2048), (60, 34), 3)
    across = np.arange(wide, dtype=np.float32) - wide / 2
    # Depth along the surface grows as 1/y; the texture is mirrored on, so any reach is allowed.
    depth = (285.0 / (far + 0.035)).astype(np.int32)
    u = (across[None, :] / brief.unit * (260 / (far[:, None] + 0.14))).astype(np.int32)
    table = (texture * 127).astype(np.uint8)
    return table[_fold(depth, 1023)[:, None], _fold(u, 2047)]


def _fold(index: NDArray[np.int32], last: int) -> NDArray[np.int32]:
    return np.asarray(last - np.abs(index % (2 * last) - last), np.int32)


def _bases(rgb: Field) -> tuple[Bytes2D, Bytes2D, Bytes2D]:
    half = rgb[::2, ::2]
    return dither(rgb @ TO_Y + 16), dither(half @ TO_U + 128), dither(half @ TO_V + 128)


def _strokes(strength: Field, colour: Field) -> tuple[Words2D, Words2D, Words2D]:
    weights = [float(colour @ axis) / 128 for axis in (TO_Y, TO_U, TO_V)]
    half = strength[::2, ::2]
    fields = (strength * weights[0], half * weights[1], half * weights[2])
    y, u, v = (np.clip(f, -120, 120).astype(np.int16) for f in fields)
    return y, u, v
