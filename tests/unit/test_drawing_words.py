"""Words decide what is drawn, and every scene can be drawn in every shape."""

import pickle

import numpy as np
import pytest
from PIL import Image

from kling_pipeline.drawing.job import RenderJob
from kling_pipeline.drawing.prompt import read_prompt
from kling_pipeline.drawing.renderer import build_scene, render


def _job(prompt, seed=5, size=(96, 64)):
    return RenderJob("", "image", "image", seed, prompt, *size)


def _shot(prompt, seed=5):
    return read_prompt(_job(prompt, seed), (96, 64))


@pytest.mark.parametrize(
    ("prompt", "scene", "subject"),
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
def test_the_words_choose_scene_and_subject(prompt, scene, subject):
    shot = _shot(prompt)
    assert (shot.scene, shot.subject) == (scene, subject)


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
    shot = _shot(prompt)
    assert (shot.palette.name, shot.move) == (light, move)


def test_words_without_meaning_choose_the_same_scene_for_every_seed():
    scenes = {_shot("xyzzy plugh", seed).scene for seed in range(5)}
    assert len(scenes) == 1


def test_a_colour_that_is_asked_for_is_seen(tmp_path):
    means = {}
    for colour in ("red", "blue"):
        render(_job(f"{colour} silk"), tmp_path / "still.png")
        with Image.open(tmp_path / "still.png") as image:
            means[colour] = np.asarray(image, float).mean((0, 1))
    assert means["red"][0] > means["red"][2] + 20
    assert means["blue"][2] > means["blue"][0] + 20


@pytest.mark.parametrize("size", [(96, 64), (64, 112), (16, 16)])
@pytest.mark.parametrize(
    "prompt",
    ["ridges", "sea with a whale", "dunes", "city", "forest lantern", "aurora", "clouds with birds",
     "bottle", "spheres", "portrait", "silk", "lighthouse at sea in the snow"],
)  # fmt: skip
def test_every_scene_is_drawn_in_every_shape(prompt, size, tmp_path):
    render(_job(prompt, 11, size), tmp_path / "still.png")
    with Image.open(tmp_path / "still.png") as image:
        assert image.size == size
        assert np.asarray(image, float).std() > 2


def test_a_job_travels_between_processes():
    job = _job("sea")
    assert pickle.loads(pickle.dumps(job)) == job


def test_a_scene_stands_for_any_seed():
    for seed in (0, 1, 2**62 + 5):
        assert build_scene(_job("sea", seed), (96, 64)).layers
