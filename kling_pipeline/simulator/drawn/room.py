"""The drawing room's door: an order goes in, a finished file comes out."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from av.video.reformatter import Colorspace
from PIL import Image

from kling_pipeline.simulator.drawn.film import RATE, to_frame, write_film
from kling_pipeline.simulator.drawn.mark import Mark, stamp_rgb
from kling_pipeline.simulator.drawn.order import Order
from kling_pipeline.simulator.drawn.projector import blank, project
from kling_pipeline.simulator.drawn.sheet import Planes
from kling_pipeline.simulator.drawn.stage import build_scene
from kling_pipeline.simulator.drawn.weather import make_weather
from kling_pipeline.simulator.drawn.words import read_words


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
        draw_still(order).save(target, "PNG")
    else:
        size = (order.width // 2 * 2, order.height // 2 * 2)
        sound = np.zeros((2, round(order.seconds * RATE)), np.float32) if order.sound else None
        write_film(target, size, order.fps, roll_film(order, size), sound)


def roll_film(order: Order, size: tuple[int, int]) -> Iterator[Planes]:
    """The frames of a video order."""
    brief = replace(read_words(order), width=size[0], height=size[1])
    scene = build_scene(brief, order.seconds)
    weather = make_weather(brief.weather, order.seed, size)
    mark = Mark(size, order.frames)
    yield from project(
        scene.pile.paint, scene.camera.look, size, order.frames, order.fps, weather, mark, scene.vignette
    )


def draw_still(order: Order) -> Image.Image:
    """The picture of an image order."""
    scale = 2 if order.width * order.height <= 1_700_000 else 1
    size = (order.width * scale // 2 * 2, order.height * scale // 2 * 2)
    brief = replace(read_words(order), width=size[0], height=size[1])
    scene = build_scene(brief, 5)
    planes = blank(size)
    scene.pile.paint(planes, scene.camera.look(0.5))
    if brief.weather:
        make_weather(brief.weather, order.seed, size, 0).pass_over(planes[0], 0, 1.0)
    rgb = to_frame(planes, 0).reformat(
        format="rgb24", src_colorspace=Colorspace.ITU709, dst_colorspace=Colorspace.ITU709
    ).to_ndarray()
    image = Image.fromarray(rgb).resize((order.width, order.height), Image.Resampling.BOX)
    out = np.array(image)
    stamp_rgb(out, (order.width, order.height))
    return Image.fromarray(out)


def _tone(order: Order, target: Path) -> None:
    import wave

    t = np.arange(round(max(order.seconds, 1) * RATE)) / RATE
    tone = (np.sin(t * 2 * np.pi * 220) * 3000).astype("<i2")
    with wave.open(str(target), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(tone.tobytes())
