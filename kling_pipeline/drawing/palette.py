"""Colours: the named lights of a day, and how words and chance bend them."""

from dataclasses import dataclass

import numpy as np

from kling_pipeline.drawing.fields import Field

_BT709 = np.array(
    [[46.742, -25.765, 112.439], [157.243, -86.674, -102.129], [15.874, 112.439, -10.31]]
)
# fmt: off
_ROWS = {
    "first light": "#131d3b #41406e #8e6489 #e9a086 #ffcf96 #fff3cf #ffd59a #a7738e #100c16 #e3aaa6",
    "rose dusk": "#2c1d4a #6d3c74 #bd6383 #f09a8f #ffc9a4 #ffe9b8 #ffb08f #8a4d66 #180b19 #e79fa0",
    "mint morning": "#4f9aa3 #86bfbb #b9dccd #dcefdc #f6f8e6 #fffdf0 #ffffe8 #9dc0ae #0e2a26 #e6f4e6",
    "moonlight": "#060c1b #0d2340 #1e4a6b #5288a0 #a3c6cb #f8f1de #bcd9dd #2f5a72 #050b15 #9cc3cc",
    "noon": "#1f5fa6 #4b91cb #8fc1e2 #c6e2ee #f1f7f2 #ffffff #fffbe6 #7fa9bb #16323a #eef6f6",
    "golden hour": "#2c4672 #7d7688 #d79d72 #f6c276 #ffe2a0 #fff4cd #ffcf7a #bb835c #22120d #f6cf9c",
    "ember": "#200b1d #5e1a2f #b23b33 #ee7b3c #ffc061 #ffeab4 #ff9a4c #7b2c38 #100609 #e08a5c",
    "overcast": "#2b333d #515d69 #808c95 #aeb6b8 #d5d6cf #eef0ea #e4e6df #6b7880 #10161a #cfd5d4",
    "polar night": "#03060f #050f22 #092033 #0e3340 #1a4f52 #eaf7ef #7fe0b8 #1d4a58 #040a12 #6fc0b0",
    "violet night": "#0a0720 #1c1244 #442270 #8a3d8f #e07ba2 #ffe7f2 #f49ac0 #3f2560 #0a0616 #b474b0",
}
# fmt: on


@dataclass(frozen=True)
class Palette:
    """The colours of one light, each an RGB triple of 0..1.

    `sky` runs from the zenith to the horizon (5 × 3); `far` and `near` end the ladder of distances.
    """

    name: str
    night: bool  # with stars, and a moon for a sun
    sky: Field
    sun: Field
    glow: Field
    far: Field
    near: Field
    mist: Field


def rgb(text: str) -> Field:
    """`#rrggbb` as an RGB triple of 0..1."""
    return np.array([int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)], np.float32)


def mix(one: Field, other: Field, share: float) -> Field:
    """A colour between two: `share` 0 is the first, 1 the other."""
    return (one * (1 - share) + other * share).astype(np.float32)


def make_palette(light: str, rng: np.random.Generator, tint: Field | None) -> Palette:
    """A light's colours, their hue turned a little by chance and pulled towards a colour."""
    gain = 1 + rng.uniform(-0.045, 0.045, 3)
    out = np.clip(np.stack([rgb(word) for word in _ROWS[light].split()]) * gain, 0, 1)
    if tint is not None:
        bright = out @ np.array([[0.3], [0.59], [0.11]])
        shade = tint * (0.25 + 1.15 * bright) + np.maximum(0, bright - 0.6) * 0.8
        out = mix(out, np.clip(shade, 0, 1), 0.55)
    out = out.astype(np.float32)
    return Palette(light, "night" in light or light == "moonlight", out[:5], *out[5:])


def ramp(share: Field, stops: Field) -> Field:
    """Colours along a ladder of stops (n × 3) for shares of 0..1, with soft joints."""
    at, place = np.linspace(0, len(stops) - 1, 512), np.linspace(0, 1, 512)
    kernel = np.hanning(65) / np.hanning(65).sum()
    tables = (np.pad(np.interp(at, range(len(stops)), row), 32, "edge") for row in stops.T)
    soft = (np.convolve(table, kernel, "valid") for table in tables)
    return np.stack([np.interp(share, place, table) for table in soft], -1).astype(np.float32)


def to_yuv(rgb: Field) -> Field:
    """Limited-range BT.709 of colours of 0..1."""
    return np.asarray(rgb @ _BT709 + (16, 128, 128), np.float32)
