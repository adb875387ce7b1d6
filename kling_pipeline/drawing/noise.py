"""Chance with a memory: everything irregular in a drawing comes from here."""

from functools import lru_cache
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.floating[Any]]


def roll_dice(seed: int, name: str) -> np.random.Generator:
    """A generator of its own for one purpose, so that one part's draws never shift another's."""
    return np.random.default_rng([seed & 0xFFFFFFFF, seed >> 32, crc32(name.encode())])


def enlarge(field: Field, size: tuple[int, int]) -> Field:
    """A small field as a smooth large one; `size` is (rows, columns)."""
    image = Image.fromarray(np.ascontiguousarray(field, np.float32))
    return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BICUBIC))


def run_line(rng: np.random.Generator, length: int, cells: float, rough: float = 0.5) -> Field:
    """A fractal line of about -1..1 with `cells` large bumps; `rough` is the share kept per octave."""
    total = np.zeros(length, np.float32)
    weight, norm, x = 1.0, 0.0, np.linspace(0, 1, length)
    for _ in range(7):
        knots = rng.uniform(-1, 1, int(cells) + 4)
        at = x * (len(knots) - 3) + 1
        left = at.astype(int)
        part = at - left
        part = part * part * (3 - 2 * part)
        total += (weight * (knots[left] * (1 - part) + knots[left + 1] * part)).astype(np.float32)
        norm += weight
        weight *= rough
        cells *= 2
        if cells > length / 3:
            break
    return total / np.float32(norm * 0.6)


def drift_clouds(
    rng: np.random.Generator, size: tuple[int, int], cells: tuple[float, float], octaves: int = 4
) -> Field:
    """A cloudy field of 0..1; `size` is (rows, columns), `cells` the bumps down and across."""
    small = (max(4, size[0] // 4), max(4, size[1] // 4))
    total = np.zeros(small, np.float32)
    down, across = cells
    weight = 1.0
    for _ in range(octaves):
        grid = rng.random((max(2, round(down)) + 2, max(2, round(across)) + 2), dtype=np.float32)
        total += np.float32(weight) * enlarge(grid, small)
        down, across, weight = down * 2, across * 2, weight * 0.5
        if down > small[0] or across > small[1]:
            break
    low, high = np.percentile(total, (2, 98))
    out: Field = np.clip(enlarge((total - low) / (high - low + 1e-6), size), 0, 1)
    return out


@lru_cache(maxsize=1)
def _tile() -> Field:
    rng = np.random.default_rng(77)
    return rng.random((256, 256), dtype=np.float32) + rng.random((256, 256), dtype=np.float32) - 0.5


def dither(field: Field) -> NDArray[np.uint8]:
    """Values of 0..255 as bytes, with a triangular noise that hides the steps between them."""
    rows, columns = field.shape
    noise = np.tile(_tile(), (rows // 256 + 1, columns // 256 + 1))[:rows, :columns]
    out: NDArray[np.uint8] = np.clip(field + noise, 0, 255).astype(np.uint8)
    return out
