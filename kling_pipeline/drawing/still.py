"""Single pictures: drawn from words, painted over, or composed from references."""

from dataclasses import replace

import numpy as np
from av.video.reformatter import Colorspace
from PIL import Image

from kling_pipeline.drawing.figure import find_face
from kling_pipeline.drawing.film import to_frame
from kling_pipeline.drawing.lips import read_box
from kling_pipeline.drawing.mark import stamp_rgb
from kling_pipeline.drawing.order import Order
from kling_pipeline.drawing.photo import fit_photo, open_photo, paint_over
from kling_pipeline.drawing.prints import hang_prints, swap_face
from kling_pipeline.drawing.projector import blank
from kling_pipeline.drawing.stage import build_scene
from kling_pipeline.drawing.weather import make_weather
from kling_pipeline.drawing.words import read_words


def draw_still(order: Order) -> Image.Image:
    """The picture of an image order, RGB, with the mark on it."""
    size = (max(8, order.width), max(8, order.height))
    faces = [open_photo(p.data) for p in order.pictures if p.role == "face"]
    others = [open_photo(p.data) for p in order.pictures if p.role not in ("face", "mask")]
    photos = [p for p in others if p is not None]
    face = next((f for f in faces if f is not None), None)
    if face is not None:
        picture = fit_photo(photos[0], size, 0.3) if photos else _drawn(_portrait(order), size, [])
        box = read_box(order, find_face(size))
        picture = swap_face(picture, face, box)
    elif photos and order.scene == "image":
        brief = read_words(order)
        picture = paint_over(fit_photo(photos[0], size), brief.palette, order.seed)
    else:
        picture = _drawn(order, size, photos)
    out = np.array(picture)
    if order.extra("mark") != "false":
        stamp_rgb(out, size)
    return Image.fromarray(out)


def _drawn(order: Order, size: tuple[int, int], photos: list[Image.Image]) -> Image.Image:
    # Colour has half the resolution of light, so small pictures are drawn larger and reduced.
    scale = 1.5 if size[0] * size[1] <= 1_700_000 else 1.0
    large = (round(size[0] * scale / 2) * 2, round(size[1] * scale / 2) * 2)
    brief = replace(read_words(order), width=large[0], height=large[1])
    scene = build_scene(brief, 5)
    if photos:
        scene.pile.layers += hang_prints(brief, photos)
    planes = blank(large)
    scene.pile.paint(planes, scene.camera.look(0.5))
    if brief.weather:
        make_weather(brief.weather, order.seed, large, 0.0).pass_over(planes[0], 0, 1.0)
    rgb = to_frame(planes, 0).reformat(
        format="rgb24", src_colorspace=Colorspace.ITU709, dst_colorspace=Colorspace.ITU709
    )
    return Image.fromarray(rgb.to_ndarray()).resize(size, Image.Resampling.LANCZOS)


def _portrait(order: Order) -> Order:
    return replace(order, prompt="portrait " + order.prompt)
