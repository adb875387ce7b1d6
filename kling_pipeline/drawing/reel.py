"""The frames of a clip: which scene is filmed, through which air, under which mark."""

from collections.abc import Iterator
from dataclasses import replace

from PIL import Image

from kling_pipeline.drawing.camera import Camera
from kling_pipeline.drawing.collage import swap_elements
from kling_pipeline.drawing.figure import find_face
from kling_pipeline.drawing.footage import shoot
from kling_pipeline.drawing.lips import move_lips, read_box
from kling_pipeline.drawing.mark import Mark
from kling_pipeline.drawing.motion import carry_motion
from kling_pipeline.drawing.order import Order
from kling_pipeline.drawing.photo import open_photo
from kling_pipeline.drawing.planes import Planes
from kling_pipeline.drawing.prints import hang_prints
from kling_pipeline.drawing.projector import project
from kling_pipeline.drawing.source import (
    measure_loudness,
    read_film,
    read_path,
    read_voice,
)
from kling_pipeline.drawing.stage import build_scene
from kling_pipeline.drawing.weather import make_weather
from kling_pipeline.drawing.words import Brief, read_words

FIRST = ("first_frame", "image", "subject", "character", "human", "scene")
SPEAKING = ("lip-sync", "avatar")


def roll_film(order: Order, size: tuple[int, int]) -> Iterator[Planes]:
    """The frames of a video order at `size` (width, height, both even)."""
    counted = order.extra("counter") != "false"
    mark = Mark(size, order.frames if counted else 0, order.extra("mark") != "false")
    bare = replace(mark, shown=False)
    if order.scene in SPEAKING:
        frames = _speak(order, size, bare)
    elif order.scene == "multi-elements":
        element = open_photo(order.first("element", "reference", "subject", "image"))
        mask = open_photo(order.first("mask"))
        frames = swap_elements(_given(order, size, bare), mask, element)
    elif order.scene == "motion-control" and _photo(order) is not None:
        photo = _photo(order)
        assert photo is not None
        film = list(_given(replace(order, pictures=()), size, bare))
        frames = carry_motion(photo, film, order.frames)
    else:
        yield from _given(order, size, mark)
        return
    for number, planes in enumerate(frames, 1):
        mark.stamp(planes, number)
        yield planes


def _given(order: Order, size: tuple[int, int], mark: Mark) -> Iterator[Planes]:
    """The film that was handed in, else a camera over the pictures, else a drawn scene."""
    film = read_film(read_path(order, "video"), size, order.fps, order.frames)
    opening = next(film, None)
    if opening is not None:
        for number, planes in enumerate((opening, *film), 1):
            mark.stamp(planes, number)
            yield planes
        return
    brief = replace(read_words(order), width=size[0], height=size[1])
    first, last = _photo(order), open_photo(order.first("end_frame"))
    if first is not None:
        yield from _shoot(order, brief, mark, (first, last))
    elif last is not None:
        yield from _shoot(order, brief, mark, (last, None))
    else:
        yield from _stage(order, brief, mark)


def _speak(order: Order, size: tuple[int, int], mark: Mark) -> Iterator[Planes]:
    voice = read_voice(order, order.frames / order.fps)
    if _photo(order) is None and read_path(order, "video") is None:
        order = replace(order, prompt=f"portrait, static {order.prompt}")
    else:
        # The face's box stands still, so the camera over a single picture does too.
        order = replace(order, prompt=f"static {order.prompt}")
    box = read_box(order, find_face(size))
    loud = measure_loudness(voice, order.fps, order.frames)
    return move_lips(_given(order, size, mark), box, loud)


def _photo(order: Order) -> Image.Image | None:
    return open_photo(order.first(*FIRST))


def _shoot(
    order: Order, brief: Brief, mark: Mark, photos: tuple[Image.Image, Image.Image | None]
) -> Iterator[Planes]:
    size = (brief.width, brief.height)
    footage = shoot(*photos, size, brief.move, order.seed)
    camera = Camera("still", size, (0, 0), order.seconds)
    air = make_weather(brief.weather, order.seed, size, 0.6)
    return project(footage.paint, camera.look, order, air, mark, 0.0)


def _stage(order: Order, brief: Brief, mark: Mark) -> Iterator[Planes]:
    scene = build_scene(brief, order.seconds)
    roles = ("mask", "element")
    photos = [p for p in (open_photo(x.data) for x in order.pictures if x.role not in roles) if p]
    if photos and order.scene != "multi-elements":
        scene.pile.layers += hang_prints(brief, photos)
    air = make_weather(brief.weather, order.seed, (brief.width, brief.height))
    look = scene.camera.look
    return project(scene.pile.paint, look, order, air, mark, scene.vignette, scene.step)
