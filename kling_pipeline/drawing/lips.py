"""Speaking faces: a mouth that opens in a face's box to the loudness of the sound."""

import json
from collections.abc import Iterator

import numpy as np

from kling_pipeline.drawing.noise import Field
from kling_pipeline.drawing.order import Order
from kling_pipeline.drawing.planes import Bytes2D, Planes, halve

Box = tuple[float, float, float, float]


def read_box(order: Order, otherwise: Box) -> Box:
    """The extra `face_box` (x, y, width, height of 0..1), or another box where it makes no sense."""
    try:
        values = [float(v) for v in json.loads(order.extra("face_box") or "")]
    except (ValueError, TypeError):
        return otherwise
    if len(values) != 4 or min(values) < 0 or max(values) > 1 or min(values[2:]) < 0.01:
        return otherwise
    return values[0], values[1], values[2], values[3]


def move_lips(frames: Iterator[Planes], box: Box, loudness: Field) -> Iterator[Planes]:
    """The frames with an open mouth of each frame's loudness in the box."""
    for index, planes in enumerate(frames):
        speak(planes, box, float(loudness[min(index, loudness.size - 1)]))
        yield planes


def speak(planes: Planes, box: Box, opening: float) -> None:
    """Draw a mouth, open by 0..1, into planes in place."""
    rows, columns = planes[0].shape
    if opening < 0.04:
        return
    x, y = (box[0] + box[2] / 2) * columns, (box[1] + box[3] * 0.79) * rows
    wide = box[2] * columns * (0.17 - 0.03 * opening)
    high = box[3] * rows * (0.012 + 0.085 * opening)
    left, right = _evens(x - wide * 1.5, x + wide * 1.5, columns)
    top, low = _evens(y - high * 2.2, y + high * 2.2, rows)
    if right - left < 4 or low - top < 4:
        return
    v = (np.arange(top, low, dtype=np.float32)[:, None] + 0.5 - y) / high
    u = (np.arange(left, right, dtype=np.float32)[None, :] + 0.5 - x) / wide
    area = (slice(top, low), slice(left, right))
    small = (slice(top // 2, low // 2), slice(left // 2, right // 2))
    skin = float(np.median(planes[0][area]))
    soft = 2.2 / max(2.0, high)
    # Lips first, then the dark of the mouth, then teeth above and a tongue below.
    lips = np.clip((1.0 - np.hypot(u / 1.14, v / (1 + 0.5 / (0.4 + opening)))) / soft + 0.5, 0, 1)
    inside = np.clip((1.0 - np.hypot(u, v)) / soft + 0.5, 0, 1)
    teeth = inside * np.clip((-0.45 - v) / soft, 0, 1) * min(1.0, opening * 1.6)
    tongue = inside * np.clip((0.9 - np.hypot(u * 1.25, v - 0.85)) / 0.2, 0, 1)
    for share, tone in (
        (lips * 0.85, (skin * 0.62, 118.0, 158.0)),
        (inside, (34.0, 124.0, 140.0)),
        (teeth * 0.9, (205.0, 126.0, 130.0)),
        (tongue * 0.8, (96.0, 116.0, 164.0)),
    ):
        _tint(planes[0][area], share, tone[0])
        half = halve(share)
        _tint(planes[1][small], half, tone[1])
        _tint(planes[2][small], half, tone[2])


def _tint(target: Bytes2D, share: Field, tone: float) -> None:
    target[:] = np.clip(target * (1 - share) + share * tone + 0.5, 0, 255).astype(np.uint8)


def _evens(low: float, high: float, limit: int) -> tuple[int, int]:
    return max(0, int(low) // 2 * 2), min(limit // 2 * 2, int(high) // 2 * 2 + 2)
