"""Scenes that take a film, a sound or a mask: what was asked for happens where it was asked for."""

import wave
from io import BytesIO

import av
import numpy as np
import pytest
from PIL import Image

from kling_pipeline.drawing.film import RATE, make_sound
from kling_pipeline.drawing.job import RenderJob
from kling_pipeline.drawing.renderer import render

SIZE = (160, 160)
BOX = (0.3, 0.3, 0.4, 0.4)


def _picture(colour, size=SIZE, mode="RGB"):
    out = BytesIO()
    Image.new(mode, size, colour).save(out, "PNG")
    return out.getvalue()


def _job(scene, **more):
    rows = {"seed": 3, "width": SIZE[0], "height": SIZE[1], "seconds": 1.0, **more}
    return RenderJob("", "video", scene, **rows)


def _frames(path):
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="rgb24").astype(float) for frame in film.decode(video=0)]


@pytest.fixture
def film(tmp_path):
    """A grey film in which a light square walks to the right."""
    target = tmp_path / "film.mp4"
    with av.open(str(target), "w") as out:
        video = out.add_stream("libx264", rate=24)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        for index in range(24):
            rgb = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
            rgb[60:100, 4 + index * 5 : 36 + index * 5] = 230
            out.mux(video.encode(av.VideoFrame.from_ndarray(rgb, "rgb24")))
        out.mux(video.encode(None))
    return target.read_bytes()


@pytest.fixture
def half_spoken(tmp_path):
    """A second of sound: half a second of silence, then a tone."""
    target = tmp_path / "voice.wav"
    t = np.arange(44100) / 44100
    tone = np.where(t < 0.5, 0, np.sin(t * 2 * np.pi * 200) * 12000).astype("<i2")
    with wave.open(str(target), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(44100)
        out.writeframes(tone.tobytes())
    return target.read_bytes()


@pytest.mark.parametrize("scene", ["lip-sync", "avatar"])
def test_a_mouth_opens_in_the_box_when_there_is_sound(scene, half_spoken, tmp_path):
    pictures = (("image", _picture((220, 180, 150))),)
    job = _job(scene, sound=True, pictures=pictures, face_box=BOX, voice=half_spoken)
    render(job, tmp_path / "clip.mp4")
    frames = _frames(tmp_path / "clip.mp4")
    change = np.abs(frames[18] - frames[6]).mean(2)
    mouth = change[90:108, 70:90]
    assert mouth.mean() > 25
    assert np.median(change) < 6


def test_a_character_follows_the_film(film, tmp_path):
    pictures = (("image", _picture((240, 30, 30), (60, 80))),)
    render(_job("motion-control", pictures=pictures, film=film), tmp_path / "clip.mp4")
    frames = _frames(tmp_path / "clip.mp4")
    assert len(frames) == 24

    def middle(frame):
        red = np.clip(frame[50:150, :, 0] - 150, 0, None).sum(0)
        return float((red * np.arange(SIZE[0])).sum() / red.sum())

    assert middle(frames[-3]) > middle(frames[3]) + 4


def test_an_element_is_swapped_inside_the_mask_only(film, tmp_path):
    mask = Image.new("L", SIZE)
    mask.paste(255, (20, 110, 60, 150))
    data = BytesIO()
    mask.save(data, "PNG")
    pictures = (
        ("mask", data.getvalue()),
        ("reference", _picture((20, 200, 60))),
    )
    render(
        _job("multi-elements", pictures=pictures, film=film),
        tmp_path / "clip.mp4",
    )
    frame = _frames(tmp_path / "clip.mp4")[10]
    red, green, _ = frame[125:135, 35:45].mean((0, 1))
    assert green > red + 80
    outside = frame[10:50, 100:150].mean((0, 1))
    assert np.abs(outside - 90).max() < 12


def test_a_removed_element_leaves_what_stands_around_it(film, tmp_path):
    mask = Image.new("L", SIZE)
    mask.paste(255, (30, 50, 130, 110))
    data = BytesIO()
    mask.save(data, "PNG")
    job = _job("multi-elements", pictures=(("mask", data.getvalue()),), film=film)
    render(job, tmp_path / "clip.mp4")
    frame = _frames(tmp_path / "clip.mp4")[12]
    assert frame[60:100, 60:100].mean() < 110  # where the film has a light square


@pytest.mark.parametrize("scene", ["lip-sync", "avatar", "motion-control", "multi-elements"])
def test_unreadable_media_are_drawn_around(scene, tmp_path):
    job = _job(scene, seconds=0.25, sound=True, film=b"no film", voice=b"no sound")
    render(job, tmp_path / "clip.mp4")
    assert len(_frames(tmp_path / "clip.mp4")) == 6


def test_a_voice_is_heard_from_when_on_it_is_asked_for(half_spoken):
    job = _job("lip-sync", voice=half_spoken, timing=(500, 1000, 250))
    loud = np.abs(make_sound(job)).max(0)
    assert loud[: RATE // 5].max() == 0
    assert loud[RATE * 3 // 10 : RATE * 7 // 10].max() > 0.2
    assert loud[RATE * 8 // 10 :].max() == 0
