"""Fields of numbers: seeded noise, and what makes images of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[Any]
_NOISE = np.random.default_rng(77).random((2, 256, 256), np.float32).sum(0) - 0.5


def _enlarge(field: Field, size: tuple[int, int]) -> Field:
    """A small field as a smooth large one; `size` is (rows, columns)."""
    image = Image.fromarray(np.ascontiguousarray(field, np.float32))
    return np.asarray(image.resize(size[::-1], Image.Resampling.BICUBIC))


def noise_line(rng: np.random.Generator, length: int, cells: float, rough: float = 0.5) -> Field:
    """A fractal line of about -1..1 with `cells` bumps; each octave keeps the share `rough`."""
    total, weight, norm = np.zeros(length), 1.0, 0.0
    while norm == 0 or (cells <= length / 3 and weight > rough**6.5):
        knots = rng.uniform(-1, 1, int(cells) + 4)
        left, part = np.divmod(np.linspace(1, len(knots) - 2, length), 1)
        part, left = part * part * (3 - 2 * part), left.astype(int)
        total += weight * (knots[left] * (1 - part) + knots[left + 1] * part)
        norm, weight, cells = norm + weight, weight * rough, cells * 2
    return (total / (norm * 0.6)).astype(np.float32)


def noise_cloud(
    rng: np.random.Generator, size: tuple[int, int], cells: tuple[float, float], octaves: int = 4
) -> Field:
    """A cloudy field of 0..1; `size` is (rows, columns), `cells` the bumps down and across."""
    small = (max(4, size[0] // 4), max(4, size[1] // 4))
    total = np.zeros(small, np.float32)
    for octave in range(octaves):
        down, across = (max(2, round(count * 2**octave)) + 2 for count in cells)
        total += _enlarge(rng.random((down, across), np.float32), small) / 2**octave
        if down > small[0] or across > small[1]:
            break
    low, high = np.percentile(total, (2, 98))
    return np.asarray(np.clip(_enlarge((total - low) / (high - low + 1e-6), size), 0, 1))


def dither(field: Field, size: tuple[int, int] | None = None) -> Image.Image:
    """Values of 0..255, enlarged to (rows, columns), as grey with a noise that hides the steps."""
    field = _enlarge(field, size) if size else field
    rows, columns = field.shape
    noise = np.tile(_NOISE, (rows // 256 + 1, columns // 256 + 1))[:rows, :columns]
    return Image.fromarray(np.clip(field + noise, 0, 255).astype(np.uint8))


def to_mask(alpha: Field, size: tuple[int, int] | None = None) -> Image.Image:
    """A mask from shares of 0..1, enlarged to (rows, columns)."""
    alpha = _enlarge(alpha, size) if size else alpha
    return Image.fromarray((np.clip(alpha, 0, 1) * 255 + 0.5).astype(np.uint8))


def even(value: float) -> int:
    """The nearest even whole number not below 4."""
    return max(4, round(value / 2) * 2)


def ease(t: float) -> float:
    """A slow start and a slow end, never quite at rest between."""
    t = min(1.0, max(0.0, t))
    return 0.35 * t + 0.65 * t * t * (3 - 2 * t)
