"""Colours: named lights of a day, and how words and chance bend them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kling_pipeline.drawing.noise import Field

Colour = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Palette:
    """The colours of one light, each an RGB triple of 0..1.

    `sky` runs from the zenith to the horizon; `far` and `near` end the ladder of distances.
    """

    name: str
    sky: tuple[Colour, ...]
    sun: Colour
    glow: Colour
    far: Colour
    near: Colour
    mist: Colour
    accent: Colour
    night: bool = False


def read_colour(text: str) -> Colour:
    """`#rrggbb` as an RGB triple of 0..1."""
    return np.array([int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)], np.float32)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """A colour between two: `share` 0 is the first, 1 the other."""
    return (one * (1 - share) + other * share).astype(np.float32)


_ROWS = {
    "first light": "#131d3b #41406e #8e6489 #e9a086 #ffcf96|#fff3cf #ffd59a #a7738e #100c16 #e3aaa6 #f0b35a",
    "rose dusk": "#2c1d4a #6d3c74 #bd6383 #f09a8f #ffc9a4|#ffe9b8 #ffb08f #8a4d66 #180b19 #e79fa0 #ffd27a",
    "mint morning": "#4f9aa3 #86bfbb #b9dccd #dcefdc #f6f8e6|#fffdf0 #ffffe8 #9dc0ae #0e2a26 #e6f4e6 #e8785a",
    "moonlight": "#060c1b #0d2340 #1e4a6b #5288a0 #a3c6cb|#f8f1de #bcd9dd #2f5a72 #050b15 #9cc3cc #ffcf7a night",
    "noon": "#1f5fa6 #4b91cb #8fc1e2 #c6e2ee #f1f7f2|#ffffff #fffbe6 #7fa9bb #16323a #eef6f6 #f0603c",
    "golden hour": "#2c4672 #7d7688 #d79d72 #f6c276 #ffe2a0|#fff4cd #ffcf7a #bb835c #22120d #f6cf9c #d94f30",
    "ember": "#200b1d #5e1a2f #b23b33 #ee7b3c #ffc061|#ffeab4 #ff9a4c #7b2c38 #100609 #e08a5c #ffd36b",
    "overcast": "#2b333d #515d69 #808c95 #aeb6b8 #d5d6cf|#eef0ea #e4e6df #6b7880 #10161a #cfd5d4 #d8a24a",
    "polar night": "#03060f #061428 #0a2a3c #114650 #246f6a|#eaf7ef #7fe0b8 #1d4a58 #040a12 #6fc0b0 #9d7bf0 night",
    "violet night": "#0a0720 #1c1244 #442270 #8a3d8f #e07ba2|#ffe7f2 #f49ac0 #3f2560 #0a0616 #b474b0 #59d0e0 night",
}


def _parse(name: str, row: str) -> Palette:
    sky, rest = row.split("|")
    words = rest.split()
    sun, glow, far, near, mist, accent = (read_colour(w) for w in words[:6])
    stops = tuple(read_colour(w) for w in sky.split())
    return Palette(name, stops, sun, glow, far, near, mist, accent, "night" in words)


PALETTES = {name: _parse(name, row) for name, row in _ROWS.items()}


def bend(palette: Palette, rng: np.random.Generator, tint: Colour | None) -> Palette:
    """A palette with a small turn of hue by chance and a pull towards a colour that was asked for."""
    gain = (1 + rng.uniform(-0.045, 0.045, 3)).astype(np.float32)

    def touch(colour: Colour) -> Colour:
        out = np.clip(colour * gain, 0, 1)
        if tint is not None:
            light = float(out @ np.array([0.3, 0.59, 0.11], np.float32))
            shade = np.clip(tint * (0.25 + 1.15 * light) + max(0.0, light - 0.6) * 0.8, 0, 1)
            out = mix(out, shade, 0.55)
        return np.asarray(out, np.float32)

    sky = tuple(touch(c) for c in palette.sky)
    rest = (palette.sun, palette.glow, palette.far, palette.near, palette.mist)
    sun, glow, far, near, mist = (touch(c) for c in rest)
    return Palette(palette.name, sky, sun, glow, far, near, mist, palette.accent, palette.night)


def ramp(share: Field, stops: tuple[Colour, ...]) -> Field:
    """Colours along a ladder of stops for shares of 0..1, with soft joints."""
    table = np.stack(stops)
    at = np.linspace(0, len(stops) - 1, 512)
    left = np.minimum(at.astype(int), len(stops) - 2)
    part = (at - left)[:, None]
    lut = (table[left] * (1 - part) + table[left + 1] * part).astype(np.float32)
    kernel = np.hanning(65) / np.hanning(65).sum()
    padded = np.pad(lut, ((32, 32), (0, 0)), "edge")
    lut = np.stack([np.convolve(padded[:, i], kernel, "valid") for i in range(3)], -1)
    # Between two entries of the table too, else wide skies show its 512 steps.
    place = np.clip(share, 0, 1) * 510.99
    low = place.astype(np.int32)
    rest = (place - low)[..., None]
    out: Field = (lut[low] * (1 - rest) + lut[low + 1] * rest).astype(np.float32)
    return out
