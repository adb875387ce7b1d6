"""Planes of video: limited-range BT.709, the two of colour half as large as the one of light."""

import numpy as np
from numpy.typing import NDArray

from kling_pipeline.drawing.noise import Field

Bytes2D = NDArray[np.uint8]
Planes = tuple[Bytes2D, Bytes2D, Bytes2D]
TO_Y = np.array([46.742, 157.243, 15.874], np.float32)
TO_U = np.array([-25.765, -86.674, 112.439], np.float32)
TO_V = np.array([112.439, -102.129, -10.310], np.float32)


def cover(target: Bytes2D, fresh: Bytes2D, alpha: Bytes2D, gain: float = 1.0) -> None:
    """Lay premultiplied bytes over a plane in place."""
    a = alpha.astype(np.uint16)
    a += a >> 7
    if gain < 1:
        part = np.uint16(max(0, round(gain * 256)))
        a *= part
        a >>= 8
        new = fresh.astype(np.uint16)
        new *= part
        new >>= 8
        fresh = new.astype(np.uint8)
    np.subtract(256, a, out=a)
    a *= target
    a += 128
    a >>= 8
    # No limit is needed: video keeps clear of 255, so the two parts never add up beyond it.
    a += fresh
    target[:] = a


def halve(field: Field) -> Field:
    """A field at half its size, each value the mean of four."""
    pairs = field[::2] + field[1::2]
    out: Field = (pairs[:, ::2] + pairs[:, 1::2]) * np.float32(0.25)
    return out
