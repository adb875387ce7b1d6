"""The drawing room's door: an order goes in, a finished file comes out."""

import os
import tempfile
from pathlib import Path

from kling_pipeline.drawing.film import write_film
from kling_pipeline.drawing.order import Order
from kling_pipeline.drawing.recording import write_sound
from kling_pipeline.drawing.reel import SPEAKING, roll_film
from kling_pipeline.drawing.sound import Stereo, compose_air, speak_nonsense
from kling_pipeline.drawing.source import read_voice
from kling_pipeline.drawing.still import draw_still
from kling_pipeline.drawing.words import read_words


def draw(order: Order, target: Path) -> None:
    """Draw an order into a file that appears whole or not at all.

    Raises OSError when the folder cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".drawn-", suffix=target.suffix)
    os.close(handle)
    try:
        _write(order, Path(name))
        os.chmod(name, 0o644)
        os.replace(name, target)
    finally:
        Path(name).unlink(missing_ok=True)


def _write(order: Order, target: Path) -> None:
    if order.kind == "audio":
        write_sound(target, _record(order), target.suffix)
    elif order.kind == "image":
        draw_still(order).save(target, "PNG")
    else:
        size = (max(16, order.width // 2 * 2), max(16, order.height // 2 * 2))
        sound = _record(order) if order.sound else None
        write_film(target, size, order.fps, roll_film(order, size), sound)


def _record(order: Order) -> Stereo:
    seconds = order.seconds if order.kind == "audio" else order.frames / order.fps
    if order.kind == "video" and order.scene in SPEAKING:
        return read_voice(order, seconds)
    if order.kind == "audio" and order.scene in ("audio", "tts"):
        return speak_nonsense(order.seed, max(0.5, seconds))
    brief = read_words(order)
    return compose_air(order.seed, brief.family, brief.weather, seconds)
