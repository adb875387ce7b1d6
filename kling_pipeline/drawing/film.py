"""Films and their sound: read, composed and written.

A sound is 2 × samples of -1..1: ambience from noise and slow sines, a voice without words, or one
that was handed in.
"""

import wave
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from kling_pipeline.drawing.fields import Field
from kling_pipeline.drawing.job import SPEAKING, RenderJob
from kling_pipeline.drawing.layers import Planes
from kling_pipeline.drawing.prompt import Shot, read_prompt, seeded

RATE = 44100
# ultrafast leaves adaptive quantisation and deblocking out, and dark gradients then fall into
# blocks; with both it is still three times faster than the next preset.
_QUALITY = "threads=1:aq-mode=1:aq-strength=0.6:deblock=0,0"
_X264 = {"preset": "ultrafast", "crf": "22", "x264-params": _QUALITY}
# scene → how much chord, how much noise, the noise's upper edge in Hz, swells a second
_AIRS = {
    "sea": (0.5, 1.0, 900, 0.14), "ridges": (0.8, 0.55, 500, 0.09), "dunes": (0.7, 0.7, 700, 0.11),
    "forest": (0.6, 0.6, 1500, 0.2), "city": (0.7, 0.6, 320, 0.06), "sky": (1.0, 0.3, 400, 0.08),
}  # fmt: skip
_CHORDS = ((0, 7, 12, 16), (0, 7, 10, 15), (0, 5, 12, 17), (0, 7, 14, 16), (0, 3, 7, 14))


def make_sound(job: RenderJob) -> Field:
    """The sound of a job: what was handed in to be spoken, a voice of our own, or ambience."""
    seconds = job.seconds if job.kind == "audio" else job.frames / job.fps
    if job.kind == "video" and job.scene in SPEAKING:
        return _time_voice(job, seconds)
    if job.kind == "audio" and job.scene in ("audio", "tts"):
        return _speak_nonsense(job.seed, max(0.5, seconds))
    return _compose_air(read_prompt(job, (16, 16)), seconds)


def _compose_air(shot: Shot, seconds: float) -> Field:
    """Ambience of a scene that fades in and out: a soft chord, and noise that swells."""
    rng, t = shot.rng("sound"), np.arange(max(1, round(seconds * RATE))) / RATE
    chord, air, edge, swell = _AIRS.get(shot.scene, (1.0, 0.35, 450, 0.1))
    if shot.weather == "rain":
        air, edge = 1.1, 4200
    root, pads = 110 * 2 ** (int(rng.integers(-3, 5)) / 12), np.zeros((2, t.size))
    for number, step in enumerate(_CHORDS[int(rng.integers(len(_CHORDS)))]):
        breath = 0.6 + 0.4 * np.sin(2 * np.pi * (0.07 + 0.03 * number) * t + number * 1.9)
        turns = 2 * np.pi * root * 2 ** (step / 12) * t + number
        pads += np.sin([turns, turns * 1.0022]) * breath * 0.8**number
    # Noise is shaped in the spectrum of a power-of-two block, and played to and fro in long clips.
    size = 1 << (min(t.size, RATE * 6) - 1).bit_length()
    spectrum = np.fft.rfft(rng.standard_normal((2, size)))
    hertz = np.fft.rfftfreq(size, 1 / RATE)
    shaped = np.fft.irfft(spectrum * (hertz > 40) / (1 + (hertz / edge) ** 2))
    lap = np.concatenate([shaped, shaped[:, ::-1]], 1) / (np.abs(shaped).std() * 3 + 1e-9)
    noise = lap[:, np.arange(t.size) % lap.shape[1]]
    waves = 0.55 + 0.45 * np.sin(2 * np.pi * (swell * t + rng.random()))
    return _settle(chord * pads / 2.2 + air * noise * waves)


def _speak_nonsense(seed: int, seconds: float) -> Field:
    """A hummed voice without words, syllable by syllable."""
    rng, t = seeded(seed, "voice"), np.arange(max(1, round(seconds * RATE))) / RATE
    base, beats = rng.uniform(105, 215), np.cumsum(rng.uniform(0.13, 0.3, int(seconds / 0.13) + 3))
    pitch = np.interp(t, beats, base * 2 ** (rng.uniform(-0.25, 0.25, beats.size)))
    ranges = ((320, 800), (900, 2100), (2300, 2900))
    formants = [np.interp(t, beats, rng.uniform(*ends, beats.size)) for ends in ranges]
    phase, out = 2 * np.pi * np.cumsum(pitch) / RATE, np.zeros(t.size)
    for partial in range(1, 24):
        near = [((pitch * partial - f) / (130 + 60 * i)) ** 2 for i, f in enumerate(formants)]
        gain = sum(np.exp(-far) / (1 + i) for i, far in enumerate(near))
        out += np.sin(phase * partial) * (gain + 0.03) / partial**0.4
    spans = np.interp(t, np.repeat(beats, 3)[:-1], np.tile([0.05, 1, 0.35], beats.size)[:-1])
    rest = np.interp(t, beats, rng.random(beats.size) > 0.16)
    return _settle(np.stack([out * spans * rest] * 2))


def _settle(sound: Field) -> Field:
    """At about -20 dBFS, soft at both ends, never near the limit."""
    out, count = np.tanh(0.1 * sound / (np.sqrt((sound**2).mean()) + 1e-9)), sound.shape[1]
    soft = max(1, min(count // 4, RATE // 3))
    ends = np.clip(np.minimum(np.arange(count), np.arange(count)[::-1]) / soft, 0, 1)
    return np.ascontiguousarray(out * ends * ends * (3 - 2 * ends), np.float32)


def _time_voice(job: RenderJob, seconds: float) -> Field:
    """The job's voice, timed, cut or filled to `seconds`; else a voice of our own."""
    voice, count = _read_sound(job.voice), max(1, round(seconds * RATE))
    if voice is None:
        return _speak_nonsense(job.seed, seconds)
    if job.timing is not None:
        begin, end, insertion = (moment * RATE // 1000 for moment in job.timing)
        voice = np.pad(voice[:, begin:end], ((0, 0), (insertion, 0)))
    return np.pad(voice[:, :count], ((0, 0), (0, max(0, count - voice.shape[1]))))


def measure_loudness(job: RenderJob) -> Field:
    """How loud each frame of a video job is, 0..1, soft from frame to frame."""
    sound, step = make_sound(job), RATE // job.fps
    mono = (sound**2).mean(0)[: job.frames * step]
    filled = np.pad(mono, (0, job.frames * step - mono.size)).reshape(job.frames, step)
    power = np.sqrt(filled.mean(1))
    loud = np.pad(np.clip(power / (np.percentile(power, 92) + 1e-6), 0, 1), 1, "edge")
    return np.asarray(0.25 * loud[:-2] + 0.5 * loud[1:-1] + 0.25 * loud[2:])


def _decode(data: bytes | None, read: Callable[[Any], Any], **stream: int) -> Iterator[Any]:
    """What `read` makes of each frame of a stream; a broken file ends early, no file at once."""
    try:
        with av.open(BytesIO(data or b""), "r") as media:
            for frame in media.decode(**stream):
                yield read(frame)
    except (av.FFmpegError, OSError, IndexError, ValueError):
        pass  # what could be read of it is used


def read_film(job: RenderJob, size: tuple[int, int]) -> Iterator[Planes]:
    """The job's frames of its film at `size` (width, height), the last one held; none of no film."""

    def read(frame: av.VideoFrame) -> tuple[float, list[Image.Image]]:
        stack = frame.reformat(*size, "yuv420p").to_ndarray()
        colours = stack[size[1] :].reshape(2, size[1] // 2, size[0] // 2)
        return frame.time or 0, [Image.fromarray(part) for part in (stack[: size[1]], *colours)]

    shown, last = 0, list[Image.Image]()
    for seconds, last in _decode(job.film, read, video=0):
        due = min(job.frames, max(shown, round(seconds * job.fps)) + 1)
        yield from [last] * (due - shown)
        shown = due
        if shown == job.frames:
            return
    yield from [last] * (job.frames - shown if last else 0)


def _read_sound(data: bytes | None) -> Field | None:
    """A sound at RATE; None of what cannot be read."""
    turner = av.AudioResampler(format="fltp", layout="stereo", rate=RATE)
    pieces = [one.to_ndarray() for read in _decode(data, turner.resample, audio=0) for one in read]
    return np.concatenate(pieces, axis=1) if pieces else None


def write_sound(target: Path, sound: Field) -> None:
    """Write 16-bit WAV."""
    with wave.open(str(target), "wb") as out:
        out.setparams((2, 2, RATE, 0, "NONE", ""))
        out.writeframes((np.clip(sound, -1, 1).T * 32767).astype("<i2").tobytes())


def write_film(
    target: Path, size: tuple[int, int], fps: int, frames: Iterable[Planes], sound: Field | None
) -> None:
    """Encode planes as h264 in mp4, with stereo AAC when sound is given."""
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(target), "w", format="mp4", options=options) as out:
        video = out.add_stream("libx264", rate=fps, options=dict(_X264))
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        for name in ("colorspace", "color_primaries", "color_trc", "color_range"):
            setattr(video.codec_context, name, 1)
        audio = None if sound is None else out.add_stream("aac", rate=RATE, layout="stereo")
        for index, planes in enumerate(frames):
            frame = to_frame(planes)
            frame.pts = index
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio is not None and sound is not None:
            heard = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), "fltp", "stereo")
            heard.sample_rate, heard.pts = RATE, 0
            out.mux([*audio.encode(heard), *audio.encode(None)])


def to_frame(planes: Planes) -> av.VideoFrame:
    """A frame for the encoder."""
    stack = np.concatenate([np.asarray(plane).ravel() for plane in planes])
    return av.VideoFrame.from_ndarray(stack.reshape(-1, planes[0].width), "yuv420p")
