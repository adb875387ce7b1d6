"""Quiet ambience: air, water and a soft chord, made of filtered noise and slow sines."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kling_pipeline.drawing.noise import roll_dice

RATE = 44100
LEVEL = 0.1
Stereo = NDArray[np.floating[Any]]
# family → (how much chord, how much noise, the noise's upper edge in Hz, swells a second)
AIRS = {
    "sea": (0.5, 1.0, 900, 0.14), "ridges": (0.8, 0.55, 500, 0.09), "dunes": (0.7, 0.7, 700, 0.11),
    "forest": (0.6, 0.6, 1500, 0.2), "city": (0.7, 0.6, 320, 0.06), "sky": (1.0, 0.3, 400, 0.08),
}  # fmt: skip
CHORDS = ((0, 7, 12, 16), (0, 7, 10, 15), (0, 5, 12, 17), (0, 7, 14, 16), (0, 3, 7, 14))


def compose_air(seed: int, family: str, weather: str, seconds: float) -> Stereo:
    """Stereo ambience of about -20 dBFS that fades in and out; 2 × samples at 44100 Hz."""
    count = max(1, round(seconds * RATE))
    rng = roll_dice(seed, "sound")
    chord, air, edge, swell = AIRS.get(family, (1.0, 0.35, 450, 0.1))
    if weather == "rain":
        air, edge = 1.1, 4200
    pads = _pads(rng, count)
    noise = np.stack([_noise(rng, count, edge) for _ in range(2)])
    t = np.arange(count, dtype=np.float32) / RATE
    wave_ = 0.55 + 0.45 * np.sin(2 * np.pi * (swell * t + rng.random()))
    mix = chord * pads + air * noise * wave_.astype(np.float32)
    return _settle(mix)


def speak_nonsense(seed: int, seconds: float) -> Stereo:
    """A hummed voice without words, syllable by syllable; 2 × samples at 44100 Hz."""
    count = max(1, round(seconds * RATE))
    rng = roll_dice(seed, "voice")
    t = np.arange(count) / RATE
    base = rng.uniform(105, 215)
    beats = np.cumsum(rng.uniform(0.13, 0.3, int(seconds / 0.13) + 3))
    pitch = np.interp(t, beats, base * 2 ** (rng.uniform(-0.25, 0.25, beats.size)))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    formants = [
        np.interp(t, beats, rng.uniform(low, high, beats.size))
        for low, high in ((320, 800), (900, 2100), (2300, 2900))
    ]
    out = np.zeros(count)
    for partial in range(1, 24):
        at = pitch * partial
        gain = sum(
            np.exp(-(((at - f) / (130 + 60 * i)) ** 2)) / (1 + i) for i, f in enumerate(formants)
        )
        out += np.sin(phase * partial) * (gain + 0.03) / partial**0.4
    spans = np.interp(t, np.repeat(beats, 3)[:-1], np.tile([0.05, 1, 0.35], beats.size)[:-1])
    rest = np.interp(t, beats, (rng.random(beats.size) > 0.16).astype(float))
    voice = (out * spans * rest).astype(np.float32)
    return _settle(np.stack([voice, voice]) + 0.0)


def _pads(rng: np.random.Generator, count: int) -> Stereo:
    root = 110 * 2 ** (int(rng.integers(-3, 5)) / 12)
    t = np.arange(count, dtype=np.float32) / np.float32(RATE)
    out = np.zeros((2, count), np.float32)
    for number, step in enumerate(CHORDS[int(rng.integers(len(CHORDS)))]):
        pitch = root * 2 ** (step / 12)
        breath = 0.6 + 0.4 * np.sin(2 * np.pi * (0.07 + 0.03 * number) * t + number * 1.9)
        for side in range(2):
            tone = np.sin(2 * np.pi * pitch * (1 + 0.0011 * (side * 2 - 1)) * t + rng.random() * 6)
            out[side] += tone * breath * 0.8**number
            out[side] += np.sin(4 * np.pi * pitch * t + side) * breath * 0.12
    return out / np.float32(2.2)


def _noise(rng: np.random.Generator, count: int, edge: float) -> NDArray[np.float32]:
    """Noise below an upper edge, shaped in the spectrum of a power-of-two block."""
    size = 1 << (min(count, RATE * 6) - 1).bit_length()
    spectrum = np.fft.rfft(rng.standard_normal(size))
    hertz = np.fft.rfftfreq(size, 1 / RATE)
    shaped = np.fft.irfft(spectrum * (hertz > 40) / (1 + (hertz / edge) ** 2))
    shaped /= np.abs(shaped).std() * 3 + 1e-9
    # A block of noise repeats in long clips; forwards and backwards, it has no seam.
    lap = np.concatenate([shaped, shaped[::-1]])
    return np.resize(lap, count).astype(np.float32)


def _settle(sound: Stereo) -> Stereo:
    """At about -20 dBFS, soft at both ends, never near the limit."""
    count = sound.shape[1]
    loud = float(np.sqrt((sound**2).mean())) + 1e-9
    out = np.tanh(sound * (LEVEL / loud) * 1.02)
    soft = max(1, min(count // 4, RATE // 3))
    ends = np.minimum(1, np.minimum(np.arange(count), np.arange(count)[::-1]) / soft)
    return np.ascontiguousarray(out * ends * ends * (3 - 2 * ends), dtype=np.float32)
