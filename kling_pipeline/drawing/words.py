"""Reading a prompt: which family, light, weather, move and actor its words ask for."""

import re
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from kling_pipeline.drawing.noise import roll_dice
from kling_pipeline.drawing.order import Order
from kling_pipeline.drawing.palette import PALETTES, Colour, Palette, bend, read_colour
from kling_pipeline.drawing.vocabulary import (
    ACTORS,
    COLOURS,
    FAMILIES,
    LIGHTS,
    MOVES,
    WEATHERS,
)

# fmt: off
_ACTOR_HOMES = {
    "paper boat": "sea", "sailboat": "sea", "balloon": "ridges", "birds": "sky", "whale": "sea",
    "lighthouse": "sea", "cat": "ridges", "dog": "ridges", "walker": "dunes", "car": "dunes",
    "cabin": "ridges", "lone tree": "ridges", "lantern": "forest",
}  # fmt: skip

_USUAL_LIGHTS: dict[str, tuple[str, ...]] = {
    "city": ("violet night", "moonlight", "rose dusk", "polar night"),
    "sea": ("rose dusk", "moonlight", "golden hour", "first light", "mint morning"),
    "ridges": ("first light", "mint morning", "rose dusk", "golden hour"),
    "dunes": ("golden hour", "noon", "ember", "rose dusk"),
    "forest": ("mint morning", "golden hour", "moonlight", "overcast"),
    "sky": ("polar night", "moonlight", "violet night", "rose dusk"),
}
# fmt: on


@dataclass(frozen=True)
class Brief:
    """What a drawing shall be: all decisions that the words and the seed make, in pixels and words."""

    seed: int
    width: int
    height: int
    family: str
    palette: Palette
    weather: str
    move: str
    actor: str
    tint: Colour | None

    @property
    def unit(self) -> int:
        """The shorter side in pixels: the measure of things."""
        return min(self.width, self.height)

    def dice(self, name: str) -> np.random.Generator:
        """Chance for one purpose of this drawing."""
        return roll_dice(self.seed, name)


def read_words(order: Order) -> Brief:
    """Turn an order's prompt and seed into decisions; words without meaning still decide, by hash."""
    text = " " + re.sub(r"<<<.*?>>>|[^\w\u4e00-\u9fff-]+", " ", order.prompt.lower()) + " "
    rng = roll_dice(order.seed, "brief")
    actor = _spot(text, ACTORS)
    family = _spot(text, FAMILIES) or _ACTOR_HOMES.get(actor, "") or _hashed(text)
    light = _spot(text, LIGHTS) or str(rng.choice(_USUAL_LIGHTS.get(family, tuple(PALETTES))))
    tint_word = _spot(text, COLOURS)
    tint = read_colour(COLOURS[tint_word][0]) if tint_word else None
    palette = bend(PALETTES[light], rng, tint)
    move = _spot(text, MOVES) or str(rng.choice(("push", "push", "drift", "left", "right", "pull")))
    width, height = order.width, order.height
    weather = _spot(text, WEATHERS)
    return Brief(order.seed, width, height, family, palette, weather, move, actor, tint)


def _spot(text: str, table: dict[str, tuple[str, ...]]) -> str:
    """The key whose words occur first; words marked `~` only count where no plain word does."""
    found: list[tuple[bool, int, int, str]] = []
    for key, words in table.items():
        for word in words:
            weak, plain = word.startswith("~"), word.lstrip("~")
            if not plain.startswith("#"):
                at = text.find(f" {plain}" if plain.isascii() else plain)
                if at >= 0:
                    found.append((weak, at, -len(plain), key))
    return min(found)[3] if found else ""


def _hashed(text: str) -> str:
    """Words that mean nothing here still choose, always the same."""
    families = ("ridges", "sea", "dunes", "cloth", "spheres", "sky", "forest", "city")
    return families[crc32(text.strip().encode()) % len(families)]
