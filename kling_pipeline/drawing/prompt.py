"""Reading a prompt: which scene, light, weather, camera move and subject its words ask for."""

import re
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from kling_pipeline.drawing import vocabulary
from kling_pipeline.drawing.fields import Field, seeded
from kling_pipeline.drawing.job import RenderJob
from kling_pipeline.drawing.palette import LIGHTS, Palette, make_palette, rgb

_USUAL_LIGHTS = {
    "city": ("violet night", "moonlight", "rose dusk", "polar night"),
    "sea": ("rose dusk", "moonlight", "golden hour", "first light", "mint morning"),
    "ridges": ("first light", "mint morning", "rose dusk", "golden hour"),
    "dunes": ("golden hour", "noon", "ember", "rose dusk"),
    "forest": ("mint morning", "golden hour", "moonlight", "overcast"),
    "sky": ("polar night", "moonlight", "violet night", "rose dusk"),
}
_MOVES = ("push", "push", "drift", "left", "right", "pull")
_ANY = ("ridges", "sea", "dunes", "silk", "spheres", "sky", "forest", "city")


@dataclass(frozen=True)
class Shot:
    """What is to be drawn: all that words and seed decide, for a frame of so many pixels."""

    seed: int
    width: int
    height: int
    scene: str
    palette: Palette
    weather: str
    move: str
    subject: str
    tint: Field | None

    @property
    def unit(self) -> int:
        """The shorter side in pixels: the measure of things."""
        return min(self.width, self.height)

    def rng(self, name: str) -> np.random.Generator:
        """Chance for one purpose of this shot."""
        return seeded(self.seed, name)


def read_prompt(job: RenderJob, size: tuple[int, int]) -> Shot:
    """Turn words and seed into decisions for `size`; words without meaning decide by their hash."""
    text = " " + re.sub(r"<<<.*?>>>|[^\w\u4e00-\u9fff-]+", " ", job.prompt.lower()) + " "
    rng, subject = seeded(job.seed, "brief"), _find(text, vocabulary.SUBJECTS)
    home = _ANY[crc32(text.strip().encode()) % len(_ANY)]
    if subject:
        home = vocabulary.SUBJECTS[subject].split("|")[0].lstrip("@")
    scene = _find(text, vocabulary.SCENES) or home
    light = _find(text, vocabulary.LIGHTS) or str(rng.choice(_USUAL_LIGHTS.get(scene, LIGHTS)))
    colour = _find(text, vocabulary.COLOURS)
    tint = rgb(vocabulary.COLOURS[colour][:7]) if colour else None
    palette = make_palette(light, rng, tint)
    move = _find(text, vocabulary.MOVES) or str(rng.choice(_MOVES))
    weather = _find(text, vocabulary.WEATHERS)
    return Shot(job.seed, *size, scene, palette, weather, move, subject, tint)


def _find(text: str, table: dict[str, str]) -> str:
    """The key whose words occur first; words marked `~` only count where no plain word does."""
    found = [(True, len(text), 0, "")]
    for key, words in table.items():
        for word in words.split("|"):
            plain = word.lstrip("~")
            at = text.find(f" {plain}" if plain.isascii() else plain)
            if at >= 0:
                found.append((plain != word, at, -len(plain), key))
    return min(found)[3]
