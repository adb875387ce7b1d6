"""Scenes: layers are drawn once, then moved before a camera and laid over each other for each frame.

A canvas is three grey images, the planes of limited-range BT.709 (Y, and U and V at half size): the
encoder takes them as they are, and Pillow lays one over another in well under a millisecond.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil, floor
from typing import Any

import numpy as np
from PIL import Image

from kling_pipeline.drawing.fields import Field, dither, ease, to_mask
from kling_pipeline.drawing.palette import to_yuv
from kling_pipeline.drawing.prompt import Shot

Planes = Sequence[Image.Image]
_Area = tuple[int, int, int, int]  # left, top, right, bottom
# move → zoom at the beginning and the end, pan to the left and upwards in shares of the frame
_MOVES = {
    "push": (1.0, 1.16, 0.0, 0.0), "pull": (1.16, 1.0, 0.0, 0.0), "still": (1.0, 1.0, 0.0, 0.0),
    "left": (1.06, 1.06, 0.05, 0.0), "right": (1.06, 1.06, -0.05, 0.0),
    "up": (1.06, 1.06, 0.0, 0.04), "down": (1.06, 1.06, 0.0, -0.04),
    "orbit": (1.05, 1.05, 0.045, 0.0), "drift": (1.03, 1.08, -0.018, 0.0),
}  # fmt: skip


@dataclass(frozen=True)
class View:
    """One moment: `t` of 0..1 through the clip, seconds, zoom ≥ 1, a pan and a focus in pixels."""

    t: float
    seconds: float
    zoom: float
    pan: tuple[float, float]
    focus: tuple[float, float]


Layer = Callable[[Planes, View], None]  # it paints itself over a canvas


@dataclass
class Sprite:
    """A drawn layer with its left upper corner at (x, y) of the world, in pixels; sizes are even.

    `planes` are three images or numbers. At `depth` 0 it stands still, at 1 it follows the camera.
    From the row `solid` on the mask is full. `drift` moves it and `gain` fades it (0..1) with the
    view. Where planes (`sharp`) or mask (`edged`) have no edges, the nearest pixel is as good as
    four, and ten times cheaper.
    """

    planes: Sequence[Image.Image | int]
    mask: Image.Image | None
    x: float = 0.0
    y: float = 0.0
    depth: float = 1.0
    solid: int | None = None
    drift: Callable[[View], tuple[float, float]] | None = None
    gain: Callable[[View], float] | None = None
    sharp: bool = True
    edged: bool = True

    def __call__(self, canvas: Planes, view: View) -> None:
        """Lay the part with a mask, then the solid one."""
        (dx, dy), (fx, fy) = self.drift(view) if self.drift else (0.0, 0.0), view.focus
        scale = 1 + (view.zoom - 1) * self.depth
        left = (self.x + dx - fx) * scale + fx + view.pan[0] * self.depth
        top = (self.y + dy - fy) * scale + fy + view.pan[1] * self.depth
        picture = self.mask or self.planes[0]
        assert isinstance(picture, Image.Image)
        x0, y0 = max(0, ceil(left / 2) * 2), max(0, ceil(top / 2) * 2)
        x1 = min(canvas[0].width, floor((left + picture.width * scale) / 2) * 2)
        y1 = min(canvas[0].height, floor((top + picture.height * scale) / 2) * 2)
        cut = y1 if self.mask else y0
        if self.solid is not None:
            cut = min(y1, max(y0, ceil((top + self.solid * scale) / 2) * 2))
        for begin, end, mask in ((y0, cut, self.mask), (cut, y1, None)):
            if end > begin and x1 > x0:
                edges = (x0 - left, begin - top, x1 - left, end - top)
                box, size = [max(0.0, edge / scale) for edge in edges], (x1 - x0, end - begin)
                alpha = mask and _take(mask, 1, size, box, self.edged)
                if alpha and self.gain:
                    share = self.gain(view)
                    alpha = alpha.point([round(value * share) for value in range(256)])
                planes = zip(self.planes, (1, 2, 2), strict=True)
                shown = [_take(plane, by, size, box, self.sharp) for plane, by in planes]
                lay(canvas, shown, (x0, begin, x1, end), alpha)


def _take(shown: Any, by: int, size: tuple[int, int], box: list[float], fine: bool) -> Any:
    """What a box of an image shows at a `by`-th of a size; a number stays what it is."""
    if isinstance(shown, int):
        return shown
    left, top, right, low = (edge / by for edge in box)
    whole = (left, top, min(shown.width, right), min(shown.height, low))
    method = Image.Resampling.BILINEAR if fine else Image.Resampling.NEAREST
    return shown.resize((size[0] // by, size[1] // by), method, whole)


def lay(canvas: Planes, shown: Sequence[Any], area: _Area, mask: Image.Image | None = None) -> None:
    """Lay planes or the numbers of a colour over an area of even pixels of a canvas."""
    half = mask and mask.resize((mask.width // 2, mask.height // 2), Image.Resampling.NEAREST)
    for index, (plane, part) in enumerate(zip(canvas, shown, strict=True)):
        left, top, right, low = (edge // 2 for edge in area) if index else area
        plane.paste(part, (left, top, right, low), half if index else mask)


def draw_sprite(
    rgb: Field, alpha: Field | None, at: tuple[float, float], depth: float = 1.0, factor: int = 1
) -> Sprite:
    """A layer from colours (rows × columns × 3, or only one) and a mask, both of 0..1, enlarged `factor` times."""
    rows, columns = (side * factor // 2 for side in (rgb if alpha is None else alpha).shape[:2])
    whole, half = (rows * 2, columns * 2), (rows, columns)
    planes = [
        dither(part, size) if part.ndim else int(part + 0.5)
        for part, size in zip(
            np.moveaxis(to_yuv(np.clip(rgb, 0, 1)), -1, 0), (whole, half, half), strict=True
        )
    ]
    mask = None if alpha is None else to_mask(alpha, whole)
    return Sprite(planes, mask, *at, depth, sharp=factor == 1, edged=factor == 1)


@dataclass
class Scene:
    """Layers from back to front, and `overlays` before them, filmed around `focus` (pixels).

    Layers are painted for every `step`-th frame only and mixed between, which keeps moves smooth
    below a pixel at a part of the price; overlays are painted for each frame. `vignette` darkens
    the corners by that share. A camera in `mode` "flat" never zooms, because layers that keep their
    size are cheap to move; "photo" never looks past the frame's edge, "dissolve" ends as it began.
    """

    shot: Shot
    layers: list[Layer]
    focus: tuple[float, float]
    vignette: float = 0.2
    step: int = 2
    mode: str = ""
    overlays: list[Layer] = field(default_factory=list)

    def look(self, t: float, seconds: float) -> View:
        """The view at `t` of 0..1 through a clip of so many seconds."""
        width, height, move, e = self.shot.width, self.shot.height, self.shot.move, ease(t)
        begin, end, left, up = _MOVES[move]
        swing, focus = 2 * e - 1, self.focus
        zoom = begin + (end - begin) * e + (0.05 * (1 - swing * swing) if move == "orbit" else 0)
        pan = (left * swing * width, up * swing * height)
        if self.mode == "flat":
            # What would zoom slides past instead.
            side = {"push": 0.04, "pull": -0.04}.get(move, 0.024)
            zoom, pan = 1.0, (pan[0] or side * swing * width, 0.0)
        elif self.mode:
            # A pan is a zoom towards that side, an orbit one whose aim wanders.
            zoom = 1.0 if move == "still" else 1 + 0.15 * (1 - e if move == "pull" else e)
            x = {"left": 0.0, "right": width, "orbit": focus[0] + (width - 2 * focus[0]) * e}
            y = {"up": 0.0, "down": height}
            pan, focus = (0.0, 0.0), (x.get(move, focus[0]), y.get(move, focus[1]))
        if self.mode == "dissolve":
            zoom = 1 + 0.085 * (ease(t / 0.66) if t < 0.66 else ease((1 - t) / 0.34))
        return View(t, t * seconds, zoom, pan, focus)
