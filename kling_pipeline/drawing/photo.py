"""Pictures that were handed in: opened safely, fitted, painted over, expanded, given a face."""

from io import BytesIO

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from kling_pipeline.drawing.fields import Field
from kling_pipeline.drawing.figures import find_face
from kling_pipeline.drawing.job import Box
from kling_pipeline.drawing.palette import Palette, mix


def open_photo(data: bytes | None) -> Image.Image | None:
    """The picture in RGB, upright; None for no bytes, garbage or more than 40 megapixels."""
    try:
        with Image.open(BytesIO(data or b"")) as image:
            # A JPG is drawn from a smaller copy, however large it is.
            image.draft("RGB", (2048, 2048))
            if image.width * image.height > 40_000_000:
                return None
            upright = ImageOps.exif_transpose(image).convert("RGBA")
            ground = Image.new("RGBA", upright.size, (228, 226, 222, 255))
            return Image.alpha_composite(ground, upright).convert("RGB")
    except Exception:  # Pillow raises all sorts for garbage, and a drawing must not fail on it
        return None


def fit_photo(image: Image.Image, size: tuple[int, int], centre: float = 0.5) -> Image.Image:
    """The picture scaled and cropped to fill a size (width, height), cropped around a height."""
    return ImageOps.fit(image, size, Image.Resampling.BICUBIC, centering=(0.5, centre))


def to_colours(image: Image.Image) -> Field:
    """A picture as colours of 0..1 (rows × columns × 3)."""
    return np.asarray(image, np.float32) / 255


def paint_over(image: Image.Image, palette: Palette) -> Image.Image:
    """The picture painted anew: broad strokes, and light and shadow in the palette's colours."""
    brush = ImageFilter.MedianFilter(3 if min(image.size) < 500 else 5)
    soft = image.reduce(2).filter(brush).filter(brush).resize(image.size, Image.Resampling.BICUBIC)
    strokes = soft.filter(ImageFilter.UnsharpMask(min(image.size) / 260, 90, 2))
    ends = (mix(palette.near, palette.sky[1], 0.35), mix(palette.glow, palette.sun, 0.3))
    shadow, light = (tuple(int(c * 255) for c in colour) for colour in ends)
    toned = ImageOps.colorize(strokes.convert("L"), shadow, light)
    return Image.blend(Image.blend(strokes, image, 0.25), toned, 0.3)


def swap_face(picture: Image.Image, face: Image.Image, box: Box) -> Image.Image:
    """The face of a portrait laid softly over the box (shares of the picture), in its light."""
    left, top, right, low = _pixels(picture.size, box)
    size = (right - left, low - top)
    patch = to_colours(fit_photo(face.crop(_pixels(face.size, find_face(face.size))), size))
    under = to_colours(picture.crop((left, top, right, low)))
    gain = np.clip(under.mean((0, 1)) / (patch.mean((0, 1)) + 1e-3), 0.5, 1.6)
    lit = Image.fromarray((np.clip(patch * (0.65 + 0.35 * gain), 0, 1) * 255).astype(np.uint8))
    out = picture.copy()
    out.paste(lit, (left, top), soften_oval(size, 0.28))
    return out


def soften_oval(size: tuple[int, int], soft: float) -> Image.Image:
    """A mask of `size` (width, height): an oval that fades out over that share of its radius."""
    y, x = np.mgrid[-1 : 1 : size[1] * 1j, -1 : 1 : size[0] * 1j]
    fade = np.clip((1 - np.hypot(x, y)) / soft, 0, 1)
    return Image.fromarray((fade * fade * (3 - 2 * fade) * 255).astype(np.uint8))


def _pixels(size: tuple[int, int], box: Box) -> tuple[int, int, int, int]:
    left, top = round(box[0] * size[0]), round(box[1] * size[1])
    return left, top, left + max(8, round(box[2] * size[0])), top + max(8, round(box[3] * size[1]))
