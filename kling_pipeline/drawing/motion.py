"""Motion carried over: a character that follows what moves in a reference film."""

from collections.abc import Iterator
from math import sin

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from kling_pipeline.drawing.noise import Field
from kling_pipeline.drawing.photo import fit_photo, read_rgb, soften_oval
from kling_pipeline.drawing.planes import Bytes2D, Planes, cover
from kling_pipeline.drawing.sheet import cut_sheet

INSET = 0.24


def carry_motion(photo: Image.Image, film: list[Planes], frames: int) -> Iterator[Planes]:
    """The character before its own blurred picture, moving as the film does.

    The film is shown small at the upper left; without one the character sways by itself.
    """
    path = follow(film, frames)
    rows, columns = film[0][0].shape
    ground = fit_photo(photo, (columns, rows)).filter(
        ImageFilter.GaussianBlur(min(rows, columns) / 22)
    )
    back = cut_sheet(read_rgb(ImageEnhance.Brightness(ground).enhance(0.55))).planes
    high = round(rows * 0.8) // 2 * 2
    wide = min(columns, round(high * min(1.2, photo.width / photo.height))) // 2 * 2
    mask = np.asarray(soften_oval((wide, high), 0.18), np.float32) / 255
    figure = cut_sheet(read_rgb(fit_photo(photo, (wide, high), 0.3)), mask)
    assert figure.alpha is not None and figure.half_alpha is not None
    for index in range(frames):
        planes = tuple(p.copy() for p in back)
        x = round((columns - wide) * (0.5 + 0.5 * path[index, 0])) // 2 * 2
        y = round((rows - high) * (0.5 + 0.5 * path[index, 1])) // 2 * 2
        for number, (plane, part) in enumerate(zip(planes, figure.planes, strict=True)):
            by = 2 if number else 1
            alpha = figure.half_alpha if number else figure.alpha
            area = plane[y // by : (y + high) // by, x // by : (x + wide) // by]
            cover(area, part[: area.shape[0], : area.shape[1]], alpha)
        _inset(planes, film[min(index, len(film) - 1)])
        yield planes[0], planes[1], planes[2]


def follow(film: list[Planes], frames: int) -> Field:
    """Where the movement of a film is: -1..1 across and down for each frame, smooth."""
    path = np.zeros((frames, 2), np.float32)
    small = [planes[0][::8, ::8].astype(np.float32) for planes in film]
    y, x = np.mgrid[-1 : 1 : small[0].shape[0] * 1j, -1 : 1 : small[0].shape[1] * 1j]
    for index in range(1, min(frames, len(small))):
        change = np.abs(small[index] - small[index - 1])
        change = np.clip(change - 4, 0, None)
        total = float(change.sum())
        if total > 40:
            path[index] = ((change * x).sum() / total, (change * y).sum() / total)
        else:
            path[index] = path[index - 1]
    if not np.abs(path).max() > 0.02:
        steps = [(0.5 * sin(i * 0.09), 0.5 * abs(sin(i * 0.22))) for i in range(frames)]
        path = np.array(steps, np.float32)
    width = min(9, frames)
    kernel = np.hanning(width + 2)[1:-1] / np.hanning(width + 2).sum()
    padded = np.pad(path * 1.4, ((width // 2, width - 1 - width // 2), (0, 0)), "edge")
    smooth = [np.convolve(padded[:, i], kernel, "valid") for i in (0, 1)]
    out: Field = np.clip(np.stack(smooth, -1), -1, 1)
    return out


def _inset(planes: tuple[Bytes2D, ...], shown: Planes) -> None:
    rows, columns = planes[0].shape
    high, wide = round(rows * INSET) // 2 * 2, round(columns * INSET) // 2 * 2
    edge = round(min(rows, columns) * 0.022) // 2 * 2
    rim = max(2, round(min(rows, columns) * 0.003))
    planes[0][edge - rim : edge + high + rim, edge - rim : edge + wide + rim] = 225
    for number, (plane, part) in enumerate(zip(planes, shown, strict=True)):
        by = 2 if number else 1
        image = Image.fromarray(part).resize((wide // by, high // by), Image.Resampling.BOX)
        area = (slice(edge // by, (edge + high) // by), slice(edge // by, (edge + wide) // by))
        plane[area] = np.asarray(image)
