"""Scenes that take a film, a sound or a mask: what was asked for happens where it was asked for."""

import json
import wave
from io import BytesIO

import av
import numpy as np
import pytest
from PIL import Image

from kling_pipeline.drawing import Order, Picture, draw

SIZE = (160, 160)
BOX = (0.3, 0.3, 0.4, 0.4)


def _picture(colour, size=SIZE, mode="RGB"):
    out = BytesIO()
    Image.new(mode, size, colour).save(out, "PNG")
    return out.getvalue()


def _order(scene, **more):
    rows = {"seed": 3, "width": SIZE[0], "height": SIZE[1], "seconds": 1.0, **more}
    return Order("video", scene, prompt="", **rows)


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
    return target


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
    return target


def _extras(**more):
    return tuple((key, json.dumps(value)) for key, value in more.items())


@pytest.mark.parametrize("scene", ["lip-sync", "avatar"])
def test_a_mouth_opens_in_the_box_when_there_is_sound(scene, half_spoken, tmp_path):
    extras = _extras(face_box=BOX, audio=str(half_spoken))
    pictures = (Picture("image", _picture((220, 180, 150))),)
    draw(_order(scene, sound=True, pictures=pictures, extras=extras), tmp_path / "clip.mp4")
    frames = _frames(tmp_path / "clip.mp4")
    change = np.abs(frames[18] - frames[6]).mean(2)
    mouth = change[90:108, 70:90]
    assert mouth.mean() > 25
    assert np.median(change) < 6


def test_a_character_follows_the_film(film, tmp_path):
    pictures = (Picture("image", _picture((240, 30, 30), (60, 80))),)
    extras = _extras(video=str(film))
    draw(_order("motion-control", pictures=pictures, extras=extras), tmp_path / "clip.mp4")
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
        Picture("mask", data.getvalue()),
        Picture("reference", _picture((20, 200, 60))),
    )
    draw(
        _order("multi-elements", pictures=pictures, extras=_extras(video=str(film))),
        tmp_path / "clip.mp4",
    )
    frame = _frames(tmp_path / "clip.mp4")[10]
    red, green, _ = frame[125:135, 35:45].mean((0, 1))
    assert green > red + 80
    outside = frame[10:50, 100:150].mean((0, 1))
    assert np.abs(outside - 90).max() < 12


@pytest.mark.parametrize("scene", ["lip-sync", "avatar", "motion-control", "multi-elements"])
def test_missing_files_and_wrong_boxes_are_drawn_around(scene, tmp_path):
    extras = (("video", '"nowhere.mp4"'), ("audio", "not json"), ("face_box", "[1, 2]"))
    draw(_order(scene, seconds=0.25, sound=True, extras=extras), tmp_path / "clip.mp4")
    assert len(_frames(tmp_path / "clip.mp4")) == 6


def test_a_voice_can_be_an_mp3(tmp_path):
    draw(Order("audio", "audio", 1, "hello", 0, 0, seconds=1), tmp_path / "voice.mp3")
    with av.open(str(tmp_path / "voice.mp3")) as sound:
        assert sound.streams.audio[0].codec_context.name.startswith("mp3")
