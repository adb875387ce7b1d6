"""The frames of a clip: which scene is filmed, through which air, under which mark."""

from collections.abc import Iterator
from dataclasses import replace

from kling_pipeline.simulator.drawn.camera import Camera
from kling_pipeline.simulator.drawn.footage import shoot
from kling_pipeline.simulator.drawn.mark import Mark
from kling_pipeline.simulator.drawn.order import Order
from kling_pipeline.simulator.drawn.photo import open_photo
from kling_pipeline.simulator.drawn.prints import hang_prints
from kling_pipeline.simulator.drawn.projector import project
from kling_pipeline.simulator.drawn.sheet import Planes
from kling_pipeline.simulator.drawn.stage import build_scene
from kling_pipeline.simulator.drawn.weather import make_weather
from kling_pipeline.simulator.drawn.words import Brief, read_words

FIRST = ("first_frame", "image", "subject", "character", "human", "scene")


def roll_film(order: Order, size: tuple[int, int]) -> Iterator[Planes]:
    """The frames of a video order at `size` (width, height, both even)."""
    brief = replace(read_words(order), width=size[0], height=size[1])
    counted = order.extra("counter") != "false"
    mark = Mark(size, order.frames if counted else 0, order.extra("mark") != "false")
    first = open_photo(order.first(*FIRST))
    last = open_photo(order.first("end_frame"))
    if first is None and last is None:
        yield from _stage(order, brief, mark)
        return
    opening = first if first is not None else last
    assert opening is not None
    footage = shoot(opening, last if first is not None else None, size, brief.move, order.seed)
    camera = Camera("still", size, (0, 0), order.seconds)
    air = make_weather(brief.weather, order.seed, size, 0.6)
    yield from project(footage.paint, camera.look, order, air, mark, 0.0)


def _stage(order: Order, brief: Brief, mark: Mark) -> Iterator[Planes]:
    scene = build_scene(brief, order.seconds)
    photos = [p for p in (open_photo(x.data) for x in order.pictures if x.role != "mask") if p]
    if photos:
        scene.pile.layers += hang_prints(brief, photos)
    air = make_weather(brief.weather, order.seed, (brief.width, brief.height))
    yield from project(
        scene.pile.paint, scene.camera.look, order, air, mark, scene.vignette, scene.step
    )
