"""Reading pixels of a plane at other places than its own: nearest, slid or interpolated."""

from math import ceil, floor

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kling_pipeline.drawing.planes import Bytes2D

Spots = tuple[NDArray[np.intp], NDArray[np.intp]]


def choose(box: tuple[float, ...], size: tuple[int, int], shape: tuple[int, ...]) -> Spots:
    """Rows and columns of the pixels nearest to a grid of `size` (columns, rows) over a box."""
    out = []
    for begin, end, count, limit in (
        (box[1], box[3], size[1], shape[0]),
        (box[0], box[2], size[0], shape[1]),
    ):
        step = (end - begin) / count
        at = np.arange(count, dtype=np.float32) * np.float32(step) + np.float32(begin + step / 2)
        out.append(np.minimum(np.maximum(at, 0), limit - 1).astype(np.intp))
    return out[0], out[1]


def pick(plane: Bytes2D, spots: Spots) -> Bytes2D:
    """The pixels of a plane at chosen rows and columns."""
    rows, columns = spots
    if columns[-1] - columns[0] == len(columns) - 1:
        return plane[rows, columns[0] : columns[-1] + 1]
    return plane.take(rows, 0).take(columns, 1)


def take(
    plane: Bytes2D, spots: Spots | None, size: tuple[int, int], box: tuple[float, ...]
) -> Bytes2D:
    """The pixels of a box (left, top, right, bottom) as `size` (columns, rows).

    At `spots` if they were chosen, else with light of all pixels around.
    """
    if spots is not None:
        return pick(plane, spots)
    if abs(box[2] - box[0] - size[0]) < 1e-3:
        return _slide(plane, size, box)
    high, wide = plane.shape
    # Only the rows needed, because a view of bytes as an image has to be contiguous.
    first, last = max(0, floor(box[1]) - 2), min(high, ceil(box[3]) + 2)
    image = Image.frombuffer("L", (wide, last - first), plane[first:last], "raw", "L", 0, 1)
    left, top = max(0.0, box[0]), max(0.0, box[1] - first)
    right, low = min(float(wide), box[2]), min(float(last - first), box[3] - first)
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR, (left, top, right, low)))


def _slide(plane: Bytes2D, size: tuple[int, int], box: tuple[float, ...]) -> Bytes2D:
    """Pixels at the same scale, moved sideways by quarters of a pixel."""
    quarters = max(0, round(box[0] * 4))
    left, rest = min(quarters // 4, plane.shape[1] - size[0] - 1), np.uint16(quarters % 4)
    top = min(max(0, round(box[1])), plane.shape[0] - size[1])
    if left < 0 or rest == 0:
        left = max(0, left)
        return plane[top : top + size[1], left : left + size[0]]
    rows = plane[top : top + size[1], left : left + size[0] + 1].astype(np.uint16)
    out = rows[:, :-1] * (4 - rest)
    out += rows[:, 1:] * rest
    out += 2
    out >>= 2
    return out.astype(np.uint8)
