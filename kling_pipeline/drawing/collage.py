"""Elements in a clip: swapped, added or taken out inside a mask."""

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageFilter

from kling_pipeline.drawing.noise import Field
from kling_pipeline.drawing.photo import fit_photo, read_rgb, soften_oval
from kling_pipeline.drawing.planes import Bytes2D, Planes, cover
from kling_pipeline.drawing.sheet import cut_sheet


def swap_elements(
    frames: Iterator[Planes], mask: Image.Image | None, element: Image.Image | None
) -> Iterator[Planes]:
    """The frames with the element inside the mask; without an element the place is smoothed over."""
    sheet, area = None, (0, 0, 0, 0)
    for planes in frames:
        rows, columns = planes[0].shape
        if sheet is None:
            alpha, area = _shape(mask, (columns, rows))
            x0, y0, x1, y1 = area
            soft = alpha[y0:y1, x0:x1]
            if element is not None:
                sheet = cut_sheet(read_rgb(fit_photo(element, (x1 - x0, y1 - y0), 0.35)), soft)
            else:
                sheet = cut_sheet(np.zeros((*soft.shape, 3), np.float32), soft)
        _lay(planes, sheet.planes, (sheet.alpha, sheet.half_alpha), area, element is None)
        yield planes


def _lay(
    planes: Planes,
    parts: Planes,
    masks: tuple[Bytes2D | None, Bytes2D | None],
    area: tuple[int, int, int, int],
    empty: bool,
) -> None:
    for number, (plane, part) in enumerate(zip(planes, parts, strict=True)):
        by, alpha = (2, masks[1]) if number else (1, masks[0])
        assert alpha is not None
        x0, y0, x1, y1 = (v // by for v in area)
        target = plane[y0:y1, x0:x1]
        fresh = part
        if empty:
            fresh = _heal(target)
            fresh = (fresh.astype(np.uint16) * alpha // 255).astype(np.uint8)
        cover(target, fresh, alpha)


def _heal(target: Bytes2D) -> Bytes2D:
    """What could be behind: the place's own rim, drawn inwards and blurred."""
    high, wide = target.shape
    left, right = target[:, :2].mean(1)[:, None], target[:, -2:].mean(1)[:, None]
    top, low = target[:2].mean(0)[None, :], target[-2:].mean(0)[None, :]
    u = np.linspace(0, 1, wide, dtype=np.float32)[None, :]
    v = np.linspace(0, 1, high, dtype=np.float32)[:, None]
    filled = 0.5 * (left * (1 - u) + right * u) + 0.5 * (top * (1 - v) + low * v)
    image = Image.fromarray(np.clip(filled, 0, 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.BoxBlur(max(1, min(high, wide) / 20))))


def _shape(
    mask: Image.Image | None, size: tuple[int, int]
) -> tuple[Field, tuple[int, int, int, int]]:
    """The soft mask at `size` and its even bounds; the middle of the frame where there is none."""
    if mask is not None:
        grey = mask.convert("L").resize(size, Image.Resampling.BILINEAR)
        grey = grey.filter(ImageFilter.GaussianBlur(min(size) / 220))
        bounds = grey.point([0] * 24 + [255] * 232).getbbox()
    else:
        grey, bounds = Image.new("L", size), None
    if bounds is None:
        wide, high = round(size[0] * 0.4), round(size[1] * 0.6)
        spot = ((size[0] - wide) // 2, (size[1] - high) // 2)
        grey.paste(soften_oval((wide, high)), spot)
        bounds = (*spot, spot[0] + wide, spot[1] + high)
    x0, y0 = bounds[0] // 2 * 2, bounds[1] // 2 * 2
    x1, y1 = min(size[0], (bounds[2] + 1) // 2 * 2), min(size[1], (bounds[3] + 1) // 2 * 2)
    x1, y1 = max(x1, x0 + 2), max(y1, y0 + 2)
    return np.asarray(grey, np.float32) / 255, (x0, y0, x1, y1)
