"""Masks of selected points, and their encoding in responses."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw

_DISC_RADIUS = 0.12  # of the short side; a point selects a disc, since objects are unknown


def draw_mask(points: Sequence[Mapping[str, float]], width: int, height: int) -> Image.Image:
    """Draw a mask (mode L, 255 inside) of discs around points; x and y from 0 to 1."""
    mask = Image.new("L", (width, height), 0)
    draw, radius = ImageDraw.Draw(mask), _DISC_RADIUS * min(width, height)
    for point in points:
        x, y = point["x"] * width, point["y"] * height
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return mask


def encode_mask(mask: Image.Image) -> dict[str, Any]:
    """Encode a mask as the service does: compressed RLE (COCO, column by column) and PNG."""
    size = [mask.height, mask.width]
    png = BytesIO()
    mask.save(png, "PNG")
    return {
        "object_id": 0,
        "rle_mask": {"size": size, "counts": _compress(_runs(mask))},
        "png_mask": {"size": size, "base64": base64.b64encode(png.getvalue()).decode()},
    }


def _runs(mask: Image.Image) -> list[int]:
    columns = mask.transpose(Image.Transpose.TRANSPOSE).tobytes()
    runs = [len(run) for run in re.findall(rb"\x00+|[^\x00]+", columns)]
    # Runs begin with the background, of length 0 if the first pixel is inside.
    return runs if columns[:1] == b"\x00" else [0, *runs]


def _compress(runs: Sequence[int]) -> str:
    """Encode runs in COCO's alphabet: 5 bits a character, differences from the third run on."""
    text = []
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        more = True
        while more:
            bits = value & 0x1F
            value >>= 5
            more = value != (-1 if bits & 0x10 else 0)
            text.append(chr((bits | 0x20 if more else bits) + 48))
    return "".join(text)
