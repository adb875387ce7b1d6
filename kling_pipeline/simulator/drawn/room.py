"""The drawing room's door: an order goes in, a finished file comes out."""

import os
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kling_pipeline.simulator.drawn.film import RATE, Planes, write_film
from kling_pipeline.simulator.drawn.order import Order


def draw(order: Order, target: Path) -> None:
    """Draw an order into a file that appears whole or not at all.

    Raises OSError when the folder cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".drawn-", suffix=target.suffix)
    os.close(handle)
    try:
        _write(order, Path(name))
        os.replace(name, target)
    finally:
        Path(name).unlink(missing_ok=True)


def _write(order: Order, target: Path) -> None:
    if order.kind == "audio":
        _tone(order, target)
    elif order.kind == "image":
        Image.fromarray(_picture(order)).save(target, "PNG")
    else:
        size = (order.width // 2 * 2, order.height // 2 * 2)
        sound = np.zeros((2, round(order.seconds * RATE)), np.float32) if order.sound else None
        write_film(target, size, order.fps, _frames(order), sound)


def _picture(order: Order) -> NDArray[np.uint8]:
    data = order.first("first_frame", "reference", "subject", "image")
    if data is not None:
        try:
            with Image.open(BytesIO(data)) as image:
                return np.asarray(image.convert("RGB").resize((order.width, order.height)))
        except (OSError, ValueError, SyntaxError):
            pass
    rng = np.random.default_rng(order.seed)
    ends = rng.integers(20, 230, (2, 1, 1, 3))
    ramp = np.linspace(0, 1, order.height)[:, None, None]
    flat = ends[0] * (1 - ramp) + ends[1] * ramp
    return np.broadcast_to(flat, (order.height, order.width, 3)).astype(np.uint8)


def _frames(order: Order) -> Iterator[Planes]:
    picture = _picture(order)[: order.height // 2 * 2, : order.width // 2 * 2]
    ycc = np.asarray(Image.fromarray(picture).convert("YCbCr"))
    flat = (ycc * 0.86 + 16).astype(np.uint8)
    planes = (flat[..., 0], flat[::2, ::2, 1], flat[::2, ::2, 2])
    for _ in range(order.frames):
        yield planes


def _tone(order: Order, target: Path) -> None:
    import wave

    t = np.arange(round(max(order.seconds, 1) * RATE)) / RATE
    tone = (np.sin(t * 2 * np.pi * 220) * 3000).astype("<i2")
    with wave.open(str(target), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(tone.tobytes())
