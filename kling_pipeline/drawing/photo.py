"""Pictures that were handed in: opening them safely, fitting, blurring their edges, regrading."""

from io import BytesIO

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from kling_pipeline.drawing.bare import strip_png
from kling_pipeline.drawing.noise import Field
from kling_pipeline.drawing.palette import Palette, mix

LARGEST = 40_000_000


def open_photo(data: bytes | None) -> Image.Image | None:
    """The picture in RGB, upright; None for no bytes, garbage or more than 40 megapixels to draw from."""
    if not data:
        return None
    try:
        with Image.open(BytesIO(strip_png(data))) as image:
            # A JPG is drawn from a smaller copy, however large it is.
            image.draft("RGB", (2048, 2048))
            if image.width * image.height > LARGEST:
                return None
            upright = ImageOps.exif_transpose(image)
            if "A" in upright.getbands() or "transparency" in upright.info:
                upright = upright.convert("RGBA")
                ground = Image.new("RGBA", upright.size, (228, 226, 222, 255))
                upright = Image.alpha_composite(ground, upright)
            return upright.convert("RGB")
    except Exception:  # Pillow raises all sorts for garbage, and a drawing must not fail on it
        return None


def fit_photo(image: Image.Image, size: tuple[int, int], centre: float = 0.5) -> Image.Image:
    """The picture scaled and cropped to fill `size` (width, height); `centre` is the crop's height."""
    return ImageOps.fit(image, size, Image.Resampling.BICUBIC, centering=(0.5, centre))


def read_rgb(image: Image.Image) -> Field:
    """A picture as colours of 0..1."""
    return np.asarray(image, np.float32) / np.float32(255)


def paint_over(image: Image.Image, palette: Palette, seed: int) -> Image.Image:
    """The picture painted anew: broad strokes, and light and shadow in the palette's colours."""
    unit = min(image.size)
    brush = 3 if unit < 500 else 5
    small = image.resize(
        (max(8, image.width // 2), max(8, image.height // 2)), Image.Resampling.BOX
    )
    for _ in range(2):
        small = small.filter(ImageFilter.MedianFilter(brush))
    soft = small.resize(image.size, Image.Resampling.BICUBIC)
    strokes = soft.filter(ImageFilter.UnsharpMask(unit / 260, 70, 3))
    rgb = 0.72 * read_rgb(strokes) + 0.28 * read_rgb(image)
    light = (rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32))[..., None]
    shadow, high = mix(palette.near, palette.sky[1], 0.35), mix(palette.glow, palette.sun, 0.3)
    tone = shadow * (1 - light) + high * light
    rgb = rgb * 0.56 + (0.5 * tone + 0.5 * rgb * (0.45 + tone)) * 0.44
    rng = np.random.default_rng(seed & 0xFFFFFFFF)
    canvas = rng.standard_normal((image.height, image.width), dtype=np.float32)
    weave = (canvas + np.roll(canvas, 1, 0) + np.roll(canvas, 1, 1)) * np.float32(0.0045)
    rgb += weave[..., None]
    return Image.fromarray((np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8))


def soften_oval(size: tuple[int, int], soft: float = 0.28) -> Image.Image:
    """A mask of `size` (width, height): an oval that fades out over the share `soft` of its radius."""
    y = np.linspace(-1, 1, size[1], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, size[0], dtype=np.float32)[None, :]
    fade = np.clip((1 - np.hypot(x, y)) / soft, 0, 1)
    fade = fade * fade * (3 - 2 * fade)
    return Image.fromarray((fade * 255).astype(np.uint8))
