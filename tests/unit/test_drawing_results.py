"""What leaves the renderer: exact in size, length and bytes, and true to what was handed in."""

import wave
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from kling_pipeline.drawing.job import RenderJob
from kling_pipeline.drawing.photo import open_photo
from kling_pipeline.drawing.renderer import render

SIZE = (96, 54)
LARGER = {"width": 192, "height": 108, "seconds": 1.0}


def _job(kind="video", scene="text2video", prompt="misty ridges at dawn", **more):
    rows = {"seed": 8_123_456_789_012, "width": SIZE[0], "height": SIZE[1], "seconds": 0.5, **more}
    return RenderJob("", kind, scene, prompt=prompt, **rows)


def _photo(seed, size=SIZE):
    """A picture with large shapes, such as a camera would hand in."""
    rng = np.random.default_rng(seed)
    small = rng.integers(30, 225, (4, 6, 3)).astype(np.uint8)
    out = BytesIO()
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(out, "PNG")
    return out.getvalue()


def _frames(path):
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]


def _distance(frame, data):
    with Image.open(BytesIO(data)) as image:
        wanted = np.asarray(image.convert("RGB").resize((frame.shape[1], frame.shape[0])), float)
    # The mark covers a corner of every frame.
    rows = frame.shape[0] * 4 // 5
    return float(np.abs(frame[:rows] - wanted[:rows]).mean())


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    target = tmp_path_factory.mktemp("drawn") / "clip.mp4"
    render(_job(seconds=1.25, sound=True), target)
    return target


def test_a_clip_is_h264_with_the_exact_frames_size_and_length(clip):
    with av.open(str(clip)) as film:
        video, audio = film.streams.video[0], film.streams.audio[0]
        assert video.codec_context.name == "h264"
        assert video.codec_context.pix_fmt == "yuv420p"
        assert (video.width, video.height) == SIZE
        assert float(video.duration * video.time_base) == 1.25
        assert audio.codec_context.name == "aac"
        assert audio.codec_context.layout.name == "stereo"
    assert len(_frames(clip)) == 30


def test_a_clip_starts_playing_before_it_is_whole(clip):
    head = clip.read_bytes()[:4096]
    assert b"moov" in head


def test_sound_is_quiet_and_never_clips(clip):
    with av.open(str(clip)) as film:
        sound = np.concatenate([f.to_ndarray() for f in film.decode(audio=0)], axis=1)
    loud = float(np.sqrt((sound**2).mean()))
    assert 0.02 < loud < 0.2
    assert float(np.abs(sound).max()) < 0.95


@pytest.mark.parametrize(
    "job",
    [
        _job(sound=True),
        _job("image", "image"),
        _job("audio", "audio"),
        _job(scene="image2video", pictures=(("first_frame", _photo(1)),)),
    ],
    ids=["video", "image", "audio", "image2video"],
)
def test_equal_jobs_give_equal_bytes(job, tmp_path):
    for name in ("one", "two"):
        render(job, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_another_seed_gives_another_picture(tmp_path):
    pictures = []
    for seed in (1, 2):
        render(_job("image", "image", seed=seed), tmp_path / "still.png")
        with Image.open(tmp_path / "still.png") as image:
            pictures.append(np.asarray(image, float))
    assert np.abs(pictures[0] - pictures[1]).mean() > 4


def test_a_clip_moves(clip):
    frames = _frames(clip)
    assert np.abs(frames[0].astype(float) - frames[-1]).mean() > 1


def test_the_first_frame_is_the_given_picture(tmp_path):
    photo = _photo(3)
    pictures = (("first_frame", photo),)
    job = _job(scene="image2video", prompt="push in", pictures=pictures, **LARGER)
    render(job, tmp_path / "clip.mp4")
    frames = _frames(tmp_path / "clip.mp4")
    assert _distance(frames[0], photo) < 6
    assert _distance(frames[-1], photo) > _distance(frames[0], photo)


def test_the_last_frame_is_the_given_end(tmp_path):
    first, last = _photo(4), _photo(5)
    pictures = (("first_frame", first), ("end_frame", last))
    render(_job(scene="image2video", pictures=pictures, **LARGER), tmp_path / "clip.mp4")
    frames = _frames(tmp_path / "clip.mp4")
    assert _distance(frames[0], first) < 6
    assert _distance(frames[-1], last) < 6
    assert _distance(frames[-1], first) > 20


def test_odd_sizes_become_even_in_clips_and_stay_in_stills(tmp_path):
    render(_job(width=181, height=99, seconds=0.2), tmp_path / "clip.mp4")
    assert _frames(tmp_path / "clip.mp4")[0].shape == (98, 180, 3)
    render(_job("image", "image", width=181, height=99), tmp_path / "still.png")
    with Image.open(tmp_path / "still.png") as image:
        assert (image.size, image.mode, image.format) == ((181, 99), "RGB", "PNG")


@pytest.mark.parametrize("data", [b"", b"garbage", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
@pytest.mark.parametrize("role", ["first_frame", "end_frame", "reference", "face", "mask"])
def test_garbage_is_drawn_around(role, data, tmp_path):
    pictures = ((role, data),)
    render(_job(seconds=0.1, width=64, height=64, pictures=pictures), tmp_path / "clip.mp4")
    assert len(_frames(tmp_path / "clip.mp4")) == 2
    render(_job("image", "omni-image", width=64, height=64, pictures=pictures), tmp_path / "a.png")


def test_a_restyled_picture_is_still_recognised(tmp_path):
    photo = _photo(6)
    job = _job("image", "image", pictures=(("reference", photo),))
    render(job, tmp_path / "still.png")
    with Image.open(tmp_path / "still.png") as image:
        close = _distance(np.asarray(image), photo)
        far = _distance(np.asarray(image), _photo(7))
    assert 2 < close < far


def test_a_swapped_face_lies_where_it_was_asked_for(tmp_path):
    scene, face = _photo(8, (200, 200)), BytesIO()
    Image.new("RGB", (120, 120), (250, 10, 240)).save(face, "JPEG")
    pictures = (("reference", scene), ("face", face.getvalue()))
    box = (0.6, 0.1, 0.3, 0.4)
    job = _job("image", "omni-image", width=200, height=200, pictures=pictures, face_box=box)
    render(job, tmp_path / "still.png")
    with Image.open(tmp_path / "still.png") as image:
        red, green, blue = image.getpixel((150, 60))
    assert red > 120 and blue > 120 and green < 60


def test_an_audio_job_is_a_wave_one_can_hear(tmp_path):
    render(_job("audio", "audio", seconds=1.5), tmp_path / "voice.wav")
    with wave.open(str(tmp_path / "voice.wav")) as sound:
        assert sound.getnframes() == round(1.5 * sound.getframerate())
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2") / 32768
    assert 0.02 < float(np.sqrt((samples**2).mean())) < 0.3


def test_nothing_is_left_behind_when_drawing_fails(tmp_path, monkeypatch):
    def tear(job, target):
        Path(target).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr("kling_pipeline.drawing.renderer._write", tear)
    with pytest.raises(OSError, match="disk full"):
        render(_job(), tmp_path / "clip.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_phone_s_photo_is_drawn_from_a_smaller_copy() -> None:
    opened = open_photo(phone_photo())
    assert opened is not None and 1500 < opened.width < 5000


def phone_photo() -> bytes:
    file = BytesIO()
    Image.new("L", (8160, 6120), 90).save(file, "JPEG")
    return file.getvalue()
