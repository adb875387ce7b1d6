"""Reading a prompt: which scene, light, weather, camera move and subject its words ask for.

Words are the beginnings of English ones (a blank ends one), and Chinese. One marked `~` is a mood or
a side remark: it only counts where no plain word of its table does.
"""

import re
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from kling_pipeline.drawing.fields import Field
from kling_pipeline.drawing.job import RenderJob
from kling_pipeline.drawing.palette import Palette, make_palette, rgb

# fmt: off
_SCENES = {
    "sea": "sea|ocean|~water|wave|lake|beach|shore|coast|harbo|river|bay |海|湖|水面|河",
    "ridges": "ridge|mountain|~mist|~fog|valley|~hill|peak|alps|~cliff|~landscape|山|雾|谷",
    "dunes": "dune|desert|sand |sands|sahara|canyon|mars |沙",
    "city": "city|skyline|street|~neon|building|tower|downtown|tokyo|urban|skyscraper|城市|街|霓虹",
    "forest": "forest|woods|woodland|pine|fir |firs |spruce|jungle|~tree|grove|bamboo|森林|树|竹",
    "sky": "~sky |~star|aurora|northern light|galaxy|~cloud|outer space|~moon|planet|天空|星|极光|云|月",
    "plinth": "plinth|bottle|~product|perfume|pedestal|packshot|cosmetic|podium|serum|瓶|产品|香水",
    "spheres": "sphere|still life|ball |balls|orb |orbs|marble|geometr|glossy|bubble|球|静物",
    "portrait": "portrait|face|person|woman|man |girl|boy|fashion model|actress|people|~she "
        "|~he |lady|child|人像|女|男|人物|脸",
    "silk": "cloth|silk|fabric|satin|abstract|fluid|~flow|ribbon|curtain|liquid|smoke|丝|布|抽象",
}

# the first entry is the scene where a subject stands if no other is asked for
_SUBJECTS = {
    "paper boat": "@sea|paper boat|origami|paper ship|纸船",
    "sailboat": "@sea|boat|ship |ships|sail|yacht|帆|船", "balloon": "@ridges|balloon|airship|热气球",
    "birds": "@sky|bird|gull|crane|flock|eagle|swallow|鸟", "whale": "@sea|whale|dolphin|鲸",
    "lighthouse": "@sea|lighthouse|灯塔", "cat": "@ridges|cat |kitten|cats|猫",
    "dog": "@ridges|dog|puppy|wolf|fox|狗|犬",
    "walker": "@dunes|~walk|hiker|traveller|traveler|figure|wanderer|astronaut|旅人",
    "car": "@dunes|car |cars|~driving|truck|汽车", "cabin": "@ridges|cabin|house|hut |cottage|小屋|房子",
    "lantern": "@forest|lantern|~candle|灯笼",
}

_LIGHTS = {
    "first light": "first light|dawn|sunrise|daybreak|blue hour|~misty|黎明|日出|晨",
    "rose dusk": "dusk|twilight|sunset|evening|~romantic|~pastel|黄昏|日落|傍晚",
    "mint morning": "morning|~spring|~fresh|~calm|~serene|~gentle|清晨|春",
    "moonlight": "night|moon|midnight|~dark|夜|月光",
    "noon": "noon|midday|daylight|sunny|~bright|~clear|summer|正午|晴",
    "golden hour": "golden|golden hour|autumn|~warm|~nostalgi|~cozy|金色|秋",
    "ember": "fire |lava|volcan|ember|~epic|~dramatic|火|史诗",
    "overcast": "overcast|storm|~rain|~grey|~gray|~gloom|~moody|~melanchol|阴|雨",
    "polar night": "aurora|northern light|arctic|polar|iceland|极光",
    "violet night": "neon|cyberpunk|synthwave|futurist|vaporwave|霓虹|赛博",
}

_WEATHERS = {
    "rain": "rain|storm|drizzl|downpour|雨", "snow": "snow|winter|blizzard|雪|冬",
    "dust": "dust|particle|firefl|pollen|spark|ember|magic|尘",
}

_MOVES = {
    "push": "push-in|push in|push|zoom in|dolly in|approach|fly over|forward|推进|推近",
    "pull": "pull-out|pull out|pull back|zoom out|dolly out|reveal|拉远",
    "left": "pan left|truck left|move left|moves left|左移",
    "right": "pan right|truck right|move right|moves right|右移",
    "up": "tilt up|crane up|pedestal up|rise|rising|上升",
    "down": "tilt down|crane down|pedestal down|descend|下降",
    "orbit": "orbit|~turn|rotat|circl|arc shot|环绕|旋转", "drift": "drift|~float|handheld|~slow|漂",
    "still": "static|locked|fixed camera|tripod|固定",
}

# the first entry is the colour itself
_COLOURS = {
    "red": "#d8362f|red |crimson|scarlet|ruby|红", "orange": "#ee7a2c|orange|amber|copper|橙",
    "yellow": "#f0c23c|yellow|gold |lemon|黄色", "green": "#3f9a5c|green|emerald|olive|jade|绿",
    "teal": "#1f9a9a|teal|turquoise|cyan|aqua|青", "blue": "#2f6fd0|blue |azure|navy|cobalt|蓝",
    "violet": "#7a4fd0|violet|purple|lavender|indigo|紫", "pink": "#e87aa8|pink|magenta|rose |粉",
    "white": "#eceae4|white|ivory|白", "black": "#26282c|black|noir|黑",
}
# fmt: on
_USUAL_LIGHTS = {
    "city": ("violet night", "moonlight", "rose dusk", "polar night"),
    "sea": ("rose dusk", "moonlight", "golden hour", "first light", "mint morning"),
    "ridges": ("first light", "mint morning", "rose dusk", "golden hour"),
    "dunes": ("golden hour", "noon", "ember", "rose dusk"),
    "forest": ("mint morning", "golden hour", "moonlight", "overcast"),
    "sky": ("polar night", "moonlight", "violet night", "rose dusk"),
}
_USUAL_MOVES = ("push", "push", "drift", "left", "right", "pull")
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


def seeded(seed: int, name: str) -> np.random.Generator:
    """A generator of its own for one purpose, so that one part's draws never shift another's."""
    return np.random.default_rng([seed & 0xFFFFFFFF, seed >> 32, crc32(name.encode())])


def read_prompt(job: RenderJob, size: tuple[int, int]) -> Shot:
    """Turn words and seed into decisions for `size`; words without meaning decide by their hash."""
    text = " " + re.sub(r"<<<.*?>>>|[^\w\u4e00-\u9fff-]+", " ", job.prompt.lower()) + " "
    rng, subject = seeded(job.seed, "brief"), _find(text, _SUBJECTS)
    home = _ANY[crc32(text.strip().encode()) % len(_ANY)]
    if subject:
        home = _SUBJECTS[subject].split("|")[0].lstrip("@")
    scene = _find(text, _SCENES) or home
    light = _find(text, _LIGHTS) or str(rng.choice(_USUAL_LIGHTS.get(scene, tuple(_LIGHTS))))
    colour = _find(text, _COLOURS)
    tint = rgb(_COLOURS[colour][:7]) if colour else None
    palette = make_palette(light, rng, tint)
    move = _find(text, _MOVES) or str(rng.choice(_USUAL_MOVES))
    return Shot(job.seed, *size, scene, palette, _find(text, _WEATHERS), move, subject, tint)


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
