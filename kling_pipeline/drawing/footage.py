"""Scenes made of pictures and films that were handed in: a camera over them, references, edits."""

from collections.abc import Iterator
from math import sin

import numpy as np
from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps

from kling_pipeline.drawing.fields import Field, ease, even, to_mask
from kling_pipeline.drawing.figures import find_face
from kling_pipeline.drawing.film import measure_loudness, read_film
from kling_pipeline.drawing.job import RenderJob
from kling_pipeline.drawing.layers import Layer, Planes, Scene, Sprite, View, draw_sprite, lay
from kling_pipeline.drawing.photo import fit_photo, soften_oval, to_colours
from kling_pipeline.drawing.prompt import Shot


def film_photo(shot: Shot, first: Image.Image, last: Image.Image | None) -> Scene:
    """A camera over one picture, exactly it at the beginning, or on the way to a last one."""
    size, side = (shot.width, shot.height), shot.rng("footage").choice((0.25, 0.75))
    focus = (shot.width * side, shot.height * 0.4)
    scene = Scene(shot, [_show(first, size)], focus, 0, mode="photo")
    if last is not None:
        end = _show(last, size)
        end.mask, end.gain = Image.new("L", size, 255), lambda view: ease((view.t - 0.6) / 0.4)
        scene.layers.append(end)
        scene.mode = "dissolve"
    return scene


def _show(photo: Image.Image, size: tuple[int, int], centre: float = 0.5) -> Sprite:
    return draw_sprite(to_colours(fit_photo(photo, size, centre)), None, (0, 0))


def hang_references(shot: Shot, photos: list[Image.Image]) -> list[Layer]:
    """Up to seven pictures as prints in a row before a scene, each with its shadow."""
    photos, prints, gap = photos[:7], list[Layer](), shot.unit * 0.055
    ratios = [min(1.9, max(0.55, photo.width / photo.height)) for photo in photos]
    room = shot.width * 0.78 - gap * (len(photos) - 1)
    tall = shot.unit * (0.62 if len(photos) == 1 else 0.5 if len(photos) < 4 else 0.36)
    high = even(min(tall, room / max(0.1, sum(ratios))))
    x = (shot.width - high * sum(ratios) - gap * (len(photos) - 1)) / 2
    pad, rim = even(high * 0.12), max(2, round(high * 0.012))
    for index, photo in enumerate(photos):
        wide = even(high * ratios[index])
        card = Image.new("RGB", (wide + 2 * pad, high + 2 * pad), (244, 242, 237))
        card.paste(fit_photo(photo, (wide - 2 * rim, high - 2 * rim)), (pad + rim, pad + rim))
        mask = ImageOps.expand(Image.new("L", (wide, high), 255), pad)
        shade = ImageChops.offset(mask, 0, pad // 4).point(lambda v: v and 150)
        at = (x - pad, shot.height * 0.47 - high / 2 - pad + shot.unit * 0.03 * (index % 2), 1.1)
        soft = shade.filter(ImageFilter.GaussianBlur(pad * 0.3))
        prints.append(Sprite((16, 128, 128), soft, *at))
        prints.append(draw_sprite(to_colours(card), np.asarray(mask) / 255, at[:2], at[2]))
        x += wide + gap
    return prints


def play_film(frames: Iterator[Planes], x: int = 0, y: int = 0) -> Layer:
    """A film's next frame each time, while there is one, with its left upper corner at (x, y)."""

    def paint(canvas: Planes, view: View) -> None:
        for planes in frames:
            return lay(canvas, planes, (x, y, x + planes[0].width, y + planes[0].height))

    return paint


def swap_element(scene: Scene, mask: Image.Image | None, element: Image.Image | None) -> None:
    """Lay the element over a scene inside the mask; without one the place is smoothed over."""
    size = (scene.shot.width, scene.shot.height)
    if mask is None:
        mask = Image.new("L", size)
        mask.paste(soften_oval((size[0] // 2, size[1] // 2), 0.28), (size[0] // 4, size[1] // 4))
    grey = mask.convert("L").resize(size).filter(ImageFilter.GaussianBlur(min(size) / 220))
    bounds = grey.point([0] * 24 + [255] * 232).getbbox()
    if bounds is None:
        return
    x0, y0, x1, y1 = (edge // 2 * 2 for edge in bounds)
    area = (x0, y0, max(x0 + 2, x1), max(y0 + 2, y1))
    soft = grey.crop(area)
    if element is None:
        scene.overlays.append(_repair(soft, area))
    else:
        shown = _show(element, soft.size, 0.35)
        shown.mask, shown.x, shown.y, shown.depth = soft, x0, y0, 0.0
        scene.overlays.append(shown)


def _repair(mask: Image.Image, area: tuple[int, int, int, int]) -> Layer:
    """What could be behind a removed element: each row goes on from the left edge to the right."""

    def paint(canvas: Planes, view: View) -> None:
        fills, (left, top, right, low) = [], area
        for by, plane in zip((1, 2, 2), canvas, strict=True):
            place = np.asarray(plane.crop((left // by, top // by, right // by, low // by)))
            u = np.linspace(0, 1, place.shape[1])
            fill = place[:, :1] * (1 - u) + place[:, -1:] * u
            fills.append(Image.fromarray(fill.astype(np.uint8)))
        lay(canvas, fills, area, mask)

    return paint


def follow_motion(job: RenderJob, shot: Shot, photo: Image.Image) -> Scene:
    """The character before its own blurred picture, moving as the film at the upper left does."""
    columns, rows, unit = shot.width, shot.height, shot.unit
    inset = (even(columns * 0.24), even(rows * 0.24))
    film = list(read_film(job, inset))
    ground = fit_photo(photo, (columns, rows)).filter(ImageFilter.GaussianBlur(unit / 22))
    back = _show(ImageEnhance.Brightness(ground).enhance(0.55), (columns, rows))
    high = even(rows * 0.8)
    wide = min(columns, even(high * min(1.2, photo.width / photo.height)))
    figure = _show(photo, (wide, high), 0.3)
    figure.mask, back.depth, figure.depth = soften_oval((wide, high), 0.18), 0, 0
    spots = (0.5 + 0.5 * _trace(film, job.frames)) * (columns - wide, rows - high)
    figure.drift = lambda view: tuple(spots[round(view.t * (job.frames - 1))])
    layers: list[Layer] = [back, figure]
    if film:
        edge, rim = unit // 45 // 2 * 2, max(2, unit // 720 * 2)
        whole = Image.new("L", (inset[0] + 2 * rim, inset[1] + 2 * rim), 255)
        layers.append(Sprite((225, 128, 128), whole, edge, edge, 0))
        layers.append(play_film(iter(film), edge + rim, edge + rim))
    return Scene(shot, layers, (0, 0), 0, step=1)


def _trace(film: list[Planes], frames: int) -> Field:
    """Where the movement of a film is: -1..1 across and down for each frame, smooth."""
    path, small = np.zeros((frames, 2)), [np.asarray(f[0].reduce(2), np.float32) for f in film]
    for index in range(1, len(small)):
        change = np.clip(np.abs(small[index] - small[index - 1]) - 4, 0, None)
        y, x = np.mgrid[-1 : 1 : change.shape[0] * 1j, -1 : 1 : change.shape[1] * 1j]
        where = np.array([(change * x).sum(), (change * y).sum()]) / max(1e-6, change.sum())
        path[index] = where if change.sum() > 40 else path[index - 1]
    if np.abs(path).max() <= 0.02:
        path = np.array([(0.5 * sin(i * 0.09), 0.5 * abs(sin(i * 0.22))) for i in range(frames)])
    kernel = np.hanning(13)[1:-1] / np.hanning(13).sum()
    smooth = [np.convolve(np.pad(axis * 1.4, 5, "edge"), kernel, "valid") for axis in path.T]
    return np.asarray(np.clip(np.stack(smooth, -1), -1, 1))


def speak(scene: Scene, job: RenderJob) -> None:
    """Lay a mouth over a scene that opens to the loudness of the job's sound."""
    size, loud = (scene.shot.width, scene.shot.height), measure_loudness(job)
    box = job.face_box or find_face(size)

    def paint(canvas: Planes, view: View) -> None:
        # Lips, the dark of the mouth, teeth above and a tongue below.
        wide_open = float(loud[round(view.t * (loud.size - 1))])
        (columns, rows), (left, top, wide, high) = canvas[0].size, box
        x, y = (left + wide / 2) * columns, (top + high * 0.79) * rows
        wide *= columns * (0.17 - 0.03 * wide_open)
        high *= rows * (0.012 + 0.085 * wide_open)
        x0, x1 = max(0, int(x - wide * 1.5) // 2 * 2), min(columns, int(x + wide * 1.5) // 2 * 2)
        y0, y1 = max(0, int(y - high * 2.2) // 2 * 2), min(rows, int(y + high * 2.2) // 2 * 2)
        if wide_open < 0.04 or x1 - x0 < 4 or y1 - y0 < 4:
            return
        u = (np.arange(x0, x1) + 0.5 - x) / wide
        v = (np.arange(y0, y1)[:, None] + 0.5 - y) / high
        soft = 2.2 / max(2.0, high)
        lips = (1 - np.hypot(u / 1.14, v / (1 + 0.5 / (0.4 + wide_open)))) / soft + 0.5
        inside = np.clip((1 - np.hypot(u, v)) / soft + 0.5, 0, 1)
        teeth = inside * np.clip((-0.45 - v) / soft, 0, 1) * min(1.0, wide_open * 1.6)
        tongue = inside * np.clip((0.9 - np.hypot(u * 1.25, v - 0.85)) / 0.2, 0, 1)
        skin = round(float(np.median(np.asarray(canvas[0].crop((x0, y0, x1, y1))))) * 0.62)
        for share, colour in (
            (np.clip(lips, 0, 1) * 0.85, (skin, 118, 158)), (inside, (34, 124, 140)),
            (teeth * 0.9, (205, 126, 130)), (tongue * 0.8, (96, 116, 164)),
        ):  # fmt: skip
            lay(canvas, colour, (x0, y0, x1, y1), to_mask(share))

    scene.overlays.append(paint)
