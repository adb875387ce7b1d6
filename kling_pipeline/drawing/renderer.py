"""From a job to a file: the scene, its frames, the watermark, the encoder."""

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np
from av.video.reformatter import Colorspace
from PIL import Image, ImageChops, ImageDraw, ImageFont

from kling_pipeline.drawing import footage, landscapes, photo
from kling_pipeline.drawing.fields import to_mask
from kling_pipeline.drawing.figures import draw_portrait, find_face
from kling_pipeline.drawing.film import make_sound, read_film, to_frame, write_film, write_sound
from kling_pipeline.drawing.job import SPEAKING, RenderJob
from kling_pipeline.drawing.layers import Planes, Scene, lay
from kling_pipeline.drawing.prompt import Shot, read_prompt
from kling_pipeline.drawing.sky import make_weather
from kling_pipeline.drawing.still_life import draw_silk, draw_still_life

Size = tuple[int, int]
SCENES: dict[str, Callable[[Shot], Scene]] = {
    "ridges": landscapes.draw_land, "dunes": landscapes.draw_land, "forest": landscapes.draw_land,
    "sea": landscapes.draw_sea, "sky": landscapes.draw_heaven, "city": landscapes.draw_city,
    "spheres": draw_still_life, "plinth": draw_still_life, "silk": draw_silk,
    "portrait": draw_portrait,
}  # fmt: skip
_FIRST = ("first_frame", "image", "subject", "character", "human", "scene")
_ELEMENT = ("element", "reference", "subject", "image")


def render(job: RenderJob, target: Path) -> None:
    """Draw a job into a file that appears whole or not at all.

    Raises OSError when the folder cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".drawn-", suffix=target.suffix)
    os.close(handle)
    try:
        _write(job, Path(name))
        os.chmod(name, 0o644)
        os.replace(name, target)
    finally:
        Path(name).unlink(missing_ok=True)


def _write(job: RenderJob, target: Path) -> None:
    if job.kind == "audio":
        write_sound(target, make_sound(job))
    elif job.kind == "image":
        draw_picture(job).save(target, "PNG")
    else:
        size = (max(16, job.width // 2 * 2), max(16, job.height // 2 * 2))
        sound = make_sound(job) if job.sound else None
        write_film(target, size, job.fps, draw_frames(job, size), sound)


def draw_frames(job: RenderJob, size: Size) -> Iterator[Planes]:
    """The frames of a video job at `size` (width, height, both even)."""
    scene = build_scene(job, size)
    y, x = np.linspace(-1, 1, size[1])[:, None], np.linspace(-1, 1, size[0])
    edges = to_mask(1 - scene.vignette * np.clip(x * x * 0.8 + y * y * 0.7 - 0.35, 0, 2))
    step, last = scene.step, max(1, job.frames - 1)

    def paint(t: float) -> Planes:
        return paint_planes(scene, min(1.0, max(0.0, t)), job.seconds, edges)

    # Each painting is half a frame early, so that a frame is always a mix of the two around it.
    after = paint(-0.5 / last) if step > 1 else None
    for index in range(job.frames):
        if after is None:
            shown = paint(index / last)
        else:
            if index % step == 0:
                before, after = after, paint((index + step - 0.5) / last)
            pairs, share = zip(before, after, strict=True), (index % step + 0.5) / step
            shown = [Image.blend(one, other, share) for one, other in pairs]
        for layer in scene.overlays:
            layer(shown, scene.look(index / last, job.seconds))
        if job.watermark:
            _stamp(shown, index + 1, job.frames if job.counter else 0)
        yield shown


def paint_planes(scene: Scene, t: float, seconds: float, edges: Image.Image) -> Planes:
    """The scene's layers at `t` of 0..1, its light multiplied by `edges`."""
    (width, height), view = edges.size, scene.look(t, seconds)
    half = (width // 2, height // 2)
    planes = [Image.new("L", edges.size, 16), Image.new("L", half, 128), Image.new("L", half, 128)]
    for layer in scene.layers:
        layer(planes, view)
    planes[0].paste(ImageChops.multiply(planes[0], edges))
    return planes


def build_scene(job: RenderJob, size: Size) -> Scene:
    """The scene of a video: what was handed in, changed as asked, or a drawn one."""
    speaks, first = job.scene in SPEAKING, photo.open_photo(job.picture(*_FIRST))
    if speaks:
        # The face's box stands still, so the camera does too.
        given = first is not None or job.film
        job = replace(job, prompt=f"static {'' if given else 'portrait, '}{job.prompt}")
    shot, film = read_prompt(job, size), read_film(job, size)
    if job.scene == "motion-control" and first is not None:
        scene = footage.follow_motion(job, shot, first)
    elif (opening := next(film, None)) is not None:
        scene = Scene(shot, [footage.play_film(chain((opening,), film))], (0, 0), 0, step=1)
    else:
        last = photo.open_photo(job.picture("end_frame"))
        if first or last:
            scene = footage.film_photo(shot, *((first, last) if first else (last, None)))
        else:
            scene = SCENES[shot.scene](shot)
            if job.scene != "multi-elements":
                scene.layers += footage.hang_references(shot, _photos(job, "mask", "element"))
        scene.overlays.append(make_weather(shot, 0.6 if first or last else 0.8))
    if job.scene == "multi-elements":
        mask, element = (photo.open_photo(job.picture(*roles)) for roles in (("mask",), _ELEMENT))
        footage.swap_element(scene, mask, element)
    if speaks:
        footage.speak(scene, job)
    return scene


def draw_picture(job: RenderJob) -> Image.Image:
    """The picture of an image job, RGB, with its watermark."""
    size, face = (max(8, job.width), max(8, job.height)), photo.open_photo(job.picture("face"))
    photos = _photos(job, "face", "mask")
    if face is not None:
        job = replace(job, prompt=f"portrait {job.prompt}")
        picture = photo.fit_photo(photos[0], size, 0.3) if photos else _draw_still(job, size, [])
        picture = photo.swap_face(picture, face, job.face_box or find_face(size))
    elif photos and job.scene == "image":
        picture = photo.paint_over(photo.fit_photo(photos[0], size), read_prompt(job, size).palette)
    else:
        picture = _draw_still(job, size, photos)
    if job.watermark:
        _stamp((picture,))
    return picture


def _draw_still(job: RenderJob, size: Size, photos: list[Image.Image]) -> Image.Image:
    # Colour has half the resolution of light, so small pictures are drawn larger and reduced.
    scale = 1.5 if size[0] * size[1] <= 1_700_000 else 1.0
    shot = read_prompt(job, (round(size[0] * scale / 2) * 2, round(size[1] * scale / 2) * 2))
    scene = SCENES[shot.scene](shot)
    scene.layers += footage.hang_references(shot, photos)
    planes = paint_planes(scene, 0.5, 5, Image.new("L", (shot.width, shot.height), 255))
    if shot.weather:
        make_weather(shot, 0.0)(planes, scene.look(0.5, 5))
    space = Colorspace.ITU709
    rgb = to_frame(planes).reformat(format="rgb24", src_colorspace=space, dst_colorspace=space)
    return Image.fromarray(rgb.to_ndarray()).resize(size, Image.Resampling.LANCZOS)


def _photos(job: RenderJob, *but: str) -> list[Image.Image]:
    opened = (photo.open_photo(data) for role, data in job.pictures if role not in but)
    return [image for image in opened if image is not None]


def _stamp(planes: Planes, number: int = 0, total: int = 0) -> None:
    """Lay the tag over planes or one RGB picture: `simulated`, and in clips `024/120`, say."""
    width, height = planes[0].size
    letter, edge = max(9, round(min(width, height) * 0.018)), round(min(width, height) * 0.022)
    text = f"{number:0{len(str(total))}d}/{total}" if total else ""
    plate, word, begin = _draw_tag(letter, len(text))
    ink, font = word.copy(), ImageFont.load_default(letter)
    ImageDraw.Draw(ink).text((begin, ink.height / 2), text, 165, font, "lm")
    left, top = (width - plate.width - edge) // 2 * 2, (height - plate.height - edge) // 2 * 2
    for mask, light in ((plate, 22), (ink, 222)):
        if left >= 0 and top >= 0:
            area = (left, top, left + mask.width, top + mask.height)
            lay(planes, ((light,) * 3,) if len(planes) == 1 else (light, 128, 128), area, mask)


@lru_cache(maxsize=2)
def _draw_tag(letter: int, signs: int) -> tuple[Image.Image, Image.Image, float]:
    """Masks of the plate and of the word on it, and where so many signs begin."""
    font, pad = ImageFont.load_default(letter), letter * 0.62
    begin = pad + font.getlength("simulated") + (letter * 0.7 if signs else 0)
    wide = begin + font.getlength("0" * (signs - 1)) + (letter * 0.3 if signs else 0) + pad
    size = (round(wide / 2) * 2, round(letter * 1.75) // 2 * 2)
    plate, ink = Image.new("L", (size[0] * 4, size[1] * 4)), Image.new("L", size)
    box = (0, 0, plate.width - 1, plate.height - 1)
    ImageDraw.Draw(plate).rounded_rectangle(box, letter * 1.4, 96)
    ImageDraw.Draw(ink).text((pad, size[1] / 2), "simulated", 205, font, "lm")
    return plate.reduce(4), ink, begin
