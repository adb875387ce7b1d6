"""Words decide what is drawn, and every family can be drawn in every shape."""

import pickle

import numpy as np
import pytest
from PIL import Image

from kling_pipeline.drawing import Order, draw
from kling_pipeline.drawing.stage import build_scene
from kling_pipeline.drawing.words import read_words


def _order(prompt, seed=5, size=(96, 64)):
    return Order("image", "image", seed, prompt, *size)


@pytest.mark.parametrize(
    ("prompt", "family", "actor"),
    [
        ("Slow push-in over layered ridges at first light, thin mist", "ridges", ""),
        ("A paper boat drifting on a calm sea at dawn", "sea", "paper boat"),
        ("a hot air balloon over mountains", "ridges", "balloon"),
        ("misty pine forest", "forest", ""),
        ("perfume bottle turning on a plinth", "plinth", ""),
        ("Tokyo street in the rain, neon", "city", ""),
        ("moon over a lake", "sea", ""),
        ("aurora over snow", "sky", ""),
        ("portrait of a woman by a window", "portrait", ""),
        ("纸船在海上", "sea", "paper boat"),
        ("a cat", "ridges", "cat"),
    ],
)
def test_the_words_choose_family_and_actor(prompt, family, actor):
    brief = read_words(_order(prompt))
    assert (brief.family, brief.actor) == (family, actor)


@pytest.mark.parametrize(
    ("prompt", "light", "move"),
    [
        ("sea at dusk, pan left", "rose dusk", "left"),
        ("mountains at night, zoom out", "moonlight", "pull"),
        ("desert at noon, orbit", "noon", "orbit"),
        ("dramatic sea at sunrise, push in", "first light", "push"),
    ],
)
def test_the_words_choose_light_and_move(prompt, light, move):
    brief = read_words(_order(prompt))
    assert (brief.palette.name, brief.move) == (light, move)


def test_words_without_meaning_choose_the_same_family_for_every_seed():
    families = {read_words(_order("xyzzy plugh", seed)).family for seed in range(5)}
    assert len(families) == 1


def test_a_colour_that_is_asked_for_is_seen(tmp_path):
    means = {}
    for colour in ("red", "blue"):
        draw(_order(f"{colour} silk"), tmp_path / "still.png")
        with Image.open(tmp_path / "still.png") as image:
            means[colour] = np.asarray(image, float).mean((0, 1))
    assert means["red"][0] > means["red"][2] + 20
    assert means["blue"][2] > means["blue"][0] + 20


@pytest.mark.parametrize("size", [(96, 64), (64, 112), (64, 64), (16, 16)])
@pytest.mark.parametrize(
    "prompt",
    ["ridges", "sea with a whale", "dunes", "city", "forest lantern", "aurora", "clouds with birds",
     "bottle", "spheres", "portrait", "silk", "lighthouse at sea in the snow"],
)  # fmt: skip
def test_every_family_is_drawn_in_every_shape(prompt, size, tmp_path):
    draw(_order(prompt, 11, size), tmp_path / "still.png")
    with Image.open(tmp_path / "still.png") as image:
        assert image.size == size
        assert np.asarray(image, float).std() > 2


def test_an_order_travels_between_processes():
    order = _order("sea")
    assert pickle.loads(pickle.dumps(order)) == order


def test_a_scene_stands_for_any_seed():
    for seed in (0, 1, 2**62 + 5):
        assert build_scene(read_words(_order("sea", seed)), 5).pile.layers
