"""Land seen from the side: a soft body under a sharp crest that is kept as a line.

The crest is the only edge; as a line it is drawn anew for every view at the cost of one row.
"""

from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from kling_pipeline.drawing.camera import View
from kling_pipeline.drawing.noise import Field, dither, enlarge
from kling_pipeline.drawing.planes import TO_U, TO_V, TO_Y, Bytes2D, Planes, cover
from kling_pipeline.drawing.sampling import choose, pick


@dataclass
class Relief:
    """A body of planes whose rows start at `y` of the world, visible below `crest` (world rows)."""

    planes: Planes
    crest: Field
    x: float
    y: float
    depth: float

    def horizon(self, view: View) -> float:
        """The screen row of the lowest point of the crest."""
        scale, _, top = view.place(self.depth, self.x, self.y)
        return top + (float(self.crest.max()) - self.y) * scale + 1

    def paint(self, canvas: Planes, view: View, bottom: float) -> None:
        """Paint the body, softly cut off at the crest."""
        rows, columns = canvas[0].shape
        scale, left, top = view.place(self.depth, self.x, self.y)
        at = (np.arange(columns, dtype=np.float32) + 0.5 - left) / scale
        line = np.interp(at, np.arange(self.crest.size) + 0.5, self.crest)
        line = ((line - self.y) * scale + top).astype(np.float32)
        first = max(0, floor(float(line.min()) / 2) * 2 - 2)
        last = min(rows, ceil(min(bottom, rows) / 2) * 2)
        split = min(last, ceil(float(line.max()) / 2) * 2 + 2)
        if first < split:
            # Sixteenths of a pixel in 16 bits: half the bytes of a float, for crests that jump.
            fine = 16 if rows < 2000 else 4
            level = np.arange(first + 1, split + 1, dtype=np.int16) * np.int16(fine)
            depth = level[:, None] - (line * fine).astype(np.int16)[None, :]
            np.clip(depth, 0, fine, out=depth)
            depth *= np.int16(256 // fine)
            masks = self._masks(np.minimum(depth, 255).astype(np.uint8))
            self._lay(canvas, (first, split), (scale, left, top), masks)
        if max(first, split) < last:
            self._lay(canvas, (max(first, split), last), (scale, left, top), None)

    @staticmethod
    def _masks(full: Bytes2D) -> tuple[Bytes2D, Bytes2D]:
        pairs = full[::2].astype(np.uint16) + full[1::2]
        return full, ((pairs[:, ::2] + pairs[:, 1::2] + 2) >> 2).astype(np.uint8)

    def _lay(
        self,
        canvas: Planes,
        span: tuple[int, int],
        place: tuple[float, float, float],
        masks: tuple[Bytes2D, Bytes2D] | None,
    ) -> None:
        scale, left, top = place
        for index, (plane, source) in enumerate(zip(canvas, self.planes, strict=True)):
            part = 2 if index else 1
            begin, end, wide = span[0] // part, span[1] // part, plane.shape[1]
            box = (-left / part / scale, (begin - top / part) / scale)
            area = (*box, box[0] + wide / scale, box[1] + (end - begin) / scale)
            if index < 2:
                spots = choose(area, (wide, end - begin), source.shape)
            fresh = pick(source, spots)
            if masks is None:
                plane[begin:end] = fresh
            else:
                alpha = masks[part - 1]
                shown = (fresh * (alpha.astype(np.uint16) + (alpha >> 7)) >> 8).astype(np.uint8)
                cover(plane[begin:end], shown, alpha)


def raise_relief(rgb: Field, crest: Field, x: float, y: float, depth: float) -> Relief:
    """A relief from colours at half size (rows × columns × 3) and a crest line at full size."""
    rows, columns = rgb.shape[0] * 2, rgb.shape[1] * 2
    luma = enlarge(rgb @ TO_Y + 16, (rows, columns))
    planes = (dither(luma), dither(rgb @ TO_U + 128), dither(rgb @ TO_V + 128))
    return Relief(planes, crest[:columns], x, y, depth)
