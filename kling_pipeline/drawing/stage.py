"""Building a scene from a brief: which layers stand where, and how the camera moves."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from kling_pipeline.drawing.actor import cast_actor
from kling_pipeline.drawing.camera import Camera
from kling_pipeline.drawing.city import raise_city
from kling_pipeline.drawing.figure import sit_portrait
from kling_pipeline.drawing.heavens import (
    even,
    float_clouds,
    hang_aurora,
    hang_disc,
    stretch_sky,
)
from kling_pipeline.drawing.land import draw_shore, heap_dunes, raise_ridges
from kling_pipeline.drawing.relief import Relief
from kling_pipeline.drawing.sheet import Layer, Pile
from kling_pipeline.drawing.silk import hang_silk
from kling_pipeline.drawing.stars import scatter_stars
from kling_pipeline.drawing.studio import pile_spheres, set_plinth
from kling_pipeline.drawing.water import pour_water
from kling_pipeline.drawing.wood import grow_forest
from kling_pipeline.drawing.words import Brief


@dataclass
class Scene:
    """A scene ready to be filmed."""

    pile: Pile
    camera: Camera
    vignette: float = 0.2
    step: int = 2


def build_scene(brief: Brief, seconds: float) -> Scene:
    """All layers of what a brief asks for, ready for a clip of so many seconds."""
    build = _FAMILIES.get(brief.family, _ridges)
    return build(brief, seconds)


def _ridges(brief: Brief, seconds: float) -> Scene:
    rng = brief.dice("ridge scene")
    horizon = brief.height * rng.uniform(0.44, 0.54)
    sun = (brief.width * rng.uniform(0.24, 0.76), horizon - brief.unit * rng.uniform(0.0, 0.09))
    if brief.palette.night:
        sun = (sun[0], horizon - brief.unit * rng.uniform(0.18, 0.3))
    pile = Pile([stretch_sky(brief, horizon * 1.04, sun)])
    if brief.palette.night:
        pile.layers.append(scatter_stars(brief, horizon))
    pile.layers.append(hang_disc(brief, sun, brief.unit * rng.uniform(0.042, 0.065)))
    ridges = raise_ridges(brief, horizon, sun)
    pile.layers += ridges[:-1]
    pile.layers += cast_actor(brief, _ground(ridges[-1], brief), False)
    pile.layers.append(ridges[-1])
    return Scene(pile, _camera(brief, seconds, (sun[0], horizon)))


def _forest(brief: Brief, seconds: float) -> Scene:
    rng = brief.dice("forest scene")
    horizon = brief.height * rng.uniform(0.4, 0.5)
    sun = (brief.width * rng.uniform(0.3, 0.7), horizon - brief.unit * rng.uniform(0.02, 0.2))
    pile = Pile([stretch_sky(brief, horizon * 1.2, sun)])
    if brief.palette.night:
        pile.layers.append(scatter_stars(brief, horizon))
    pile.layers.append(hang_disc(brief, sun, brief.unit * rng.uniform(0.04, 0.06)))
    firs = grow_forest(brief, horizon, sun)
    pile.layers += firs[:-1]
    pile.layers += cast_actor(brief, brief.height * 0.93, False)
    pile.layers.append(firs[-1])
    return Scene(pile, _camera(brief, seconds, (sun[0], horizon)), step=3)


def _portrait(brief: Brief, seconds: float) -> Scene:
    focus = (brief.width / 2, brief.height * 0.42)
    return Scene(Pile(sit_portrait(brief)), _camera(brief, seconds, focus), 0.24, step=3)


def _ground(layer: Layer, brief: Brief) -> float:
    """A row just under the nearest crest, so that it hides the feet."""
    crest = layer.crest if isinstance(layer, Relief) else None
    if crest is None:
        return brief.height * 0.9
    middle = crest[crest.size // 3 : crest.size * 2 // 3]
    return min(float(middle.mean()) + brief.unit * 0.012, brief.height * 0.93)


def _dunes(brief: Brief, seconds: float) -> Scene:
    rng = brief.dice("dune scene")
    horizon = brief.height * rng.uniform(0.36, 0.46)
    sun = (brief.width * rng.choice((0.2, 0.3, 0.7, 0.8)), horizon * rng.uniform(0.45, 0.8))
    pile = Pile([stretch_sky(brief, horizon * 1.06, sun)])
    if brief.palette.night:
        pile.layers.append(scatter_stars(brief, horizon))
    pile.layers.append(hang_disc(brief, sun, brief.unit * rng.uniform(0.035, 0.05)))
    dunes = heap_dunes(brief, horizon, sun)
    pile.layers += dunes[:-1]
    pile.layers += cast_actor(brief, _ground(dunes[-1], brief), False)
    pile.layers.append(dunes[-1])
    return Scene(pile, _camera(brief, seconds, (brief.width / 2, horizon)))


def _sea(brief: Brief, seconds: float) -> Scene:
    rng = brief.dice("sea scene")
    line = even(brief.height * rng.uniform(0.5, 0.58))
    radius = brief.unit * rng.uniform(0.055, 0.085)
    lift = rng.uniform(0.16, 0.3) if brief.palette.night else rng.uniform(0.02, 0.16)
    sun = (brief.width * rng.uniform(0.3, 0.7), line - brief.unit * lift)
    pile = Pile([stretch_sky(brief, line, sun)])
    if brief.palette.night:
        pile.layers.append(scatter_stars(brief, line))
    pile.layers.append(hang_disc(brief, sun, radius))
    if rng.random() < 0.6:
        pile.layers.append(draw_shore(brief, float(line), sun))
    pile.layers.append(pour_water(brief, line, (sun[0], radius * 1.1)))
    afloat = brief.actor != "lighthouse"
    pile.layers += cast_actor(brief, line + brief.height * (0.19 if afloat else 0.004), afloat)
    return Scene(pile, _camera(brief, seconds, (sun[0], float(line))))


def _sky(brief: Brief, seconds: float) -> Scene:
    rng = brief.dice("sky scene")
    horizon = brief.height * rng.uniform(0.78, 0.86)
    sun = (brief.width * rng.uniform(0.2, 0.8), horizon * rng.uniform(0.3, 0.75))
    pile = Pile([stretch_sky(brief, horizon, sun)])
    palette = brief.palette
    if palette.night:
        pile.layers.append(scatter_stars(brief, horizon, 1.7))
    if palette.name == "polar night":
        pile.layers += hang_aurora(brief, horizon, (palette.glow, palette.accent))
    else:
        pile.layers.append(hang_disc(brief, sun, brief.unit * rng.uniform(0.05, 0.09)))
        pile.layers.append(float_clouds(brief, horizon * 0.2, horizon, 0.42, "clouds"))
    pile.layers += cast_actor(brief, horizon, False) if brief.actor in ("birds", "balloon") else []
    small = Brief(**{**vars(brief), "seed": brief.seed ^ 99})
    pile.layers += raise_ridges(small, horizon, sun)[-7:]
    return Scene(pile, _camera(brief, seconds, (brief.width / 2, horizon)), step=3)


def _city(brief: Brief, seconds: float) -> Scene:
    rng = brief.dice("city scene")
    line = even(brief.height * rng.uniform(0.64, 0.7))
    moon = (brief.width * rng.uniform(0.15, 0.85), line * rng.uniform(0.12, 0.3))
    pile = Pile([stretch_sky(brief, float(line), (brief.width * 0.5, float(line)))])
    if brief.palette.night:
        pile.layers.append(scatter_stars(brief, line, 0.5))
        pile.layers.append(hang_disc(brief, moon, brief.unit * 0.035))
    pile.layers += raise_city(brief, line)
    camera = replace(_camera(brief, seconds, (brief.width / 2, float(line))), flat=True)
    return Scene(pile, camera, 0.26)


def _spheres(brief: Brief, seconds: float) -> Scene:
    pile = Pile(pile_spheres(brief))
    return Scene(pile, _camera(brief, seconds, (brief.width / 2, brief.height * 0.58)), 0.28)


def _plinth(brief: Brief, seconds: float) -> Scene:
    pile = Pile(set_plinth(brief))
    return Scene(pile, _camera(brief, seconds, (brief.width / 2, brief.height * 0.6)), 0.22)


def _cloth(brief: Brief, seconds: float) -> Scene:
    return Scene(
        Pile([hang_silk(brief)]), _camera(brief, seconds, (brief.width / 2, brief.height / 2)), 0.25
    )


def _camera(brief: Brief, seconds: float, focus: tuple[float, float]) -> Camera:
    return Camera(brief.move, (brief.width, brief.height), focus, seconds)


_FAMILIES: dict[str, Callable[[Brief, float], Scene]] = {
    "ridges": _ridges,
    "dunes": _dunes,
    "sea": _sea,
    "sky": _sky,
    "city": _city,
    "spheres": _spheres,
    "plinth": _plinth,
    "cloth": _cloth,
    "forest": _forest,
    "portrait": _portrait,
}
