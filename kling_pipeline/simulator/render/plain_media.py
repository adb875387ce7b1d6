"""Plain media for tests: one small grey file per kind, size and length, made once."""

from __future__ import annotations

import os
import shutil
import tempfile
import wave
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from PIL import Image

from kling_pipeline.drawing.job import RenderJob

_RATE = 44100


def write_plain(job: RenderJob, target: Path) -> None:
    """Write a grey file of a job's size and length to the target, whole or not at all.

    Raises OSError when the folder cannot be written.
    """
    sound = "-sound" if job.sound else ""
    name = f"plain-{job.width}x{job.height}-{job.fps}-{job.seconds:g}{sound}{target.suffix}"
    cached = target.with_name(name)
    if not cached.exists():
        handle, part = tempfile.mkstemp(dir=target.parent, suffix=target.suffix)
        os.close(handle)
        {"video": _video, "image": _image, "audio": _audio}[job.kind](job, Path(part))
        os.replace(part, cached)
    part = f"{target}.part"
    shutil.copyfile(cached, part)
    os.replace(part, target)


def _video(job: RenderJob, target: Path) -> None:
    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as out:
        video = out.add_stream("libx264", rate=job.fps, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = job.width, job.height, "yuv420p"
        video.codec_context.gop_size = job.fps
        video.codec_context.thread_count = 1
        audio = out.add_stream("aac", rate=_RATE, layout="mono") if job.sound else None
        total = max(1, round(job.seconds * job.fps))
        packets = _one_second(video, job)
        # A still needs no encoder after its first second: the same packets go round again.
        for index in range(total):
            packet = av.Packet(bytes(packets[index % len(packets)]))
            packet.stream, packet.time_base = video, Fraction(1, job.fps)
            packet.pts = packet.dts = index
            packet.duration = 1
            packet.is_keyframe = index % len(packets) == 0
            out.mux(packet)
        if audio is not None:
            _silence(out, audio, job.seconds)


def _one_second(video: av.VideoStream, job: RenderJob) -> list[av.Packet[av.VideoStream]]:
    frame = av.VideoFrame(job.width, job.height, "yuv420p")
    for plane in frame.planes:
        plane.update(bytes([128]) * plane.buffer_size)
    packets = []
    for index in range(job.fps):
        frame.pts, frame.time_base = index, Fraction(1, job.fps)
        packets += video.encode(frame)
    return packets + video.encode(None)


def _silence(out: OutputContainer, audio: av.AudioStream, seconds: float) -> None:
    frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
    frame.planes[0].update(bytes(frame.planes[0].buffer_size))
    frame.sample_rate = _RATE
    # The encoder begins with frames of its own; so the sound ends no later than the picture.
    for start in range(0, int(seconds * _RATE) - 2048, 1024):
        frame.pts = start
        out.mux(audio.encode(frame))
    out.mux(audio.encode(None))


def _image(job: RenderJob, target: Path) -> None:
    Image.new("RGB", (job.width, job.height), (128, 128, 128)).save(target, "PNG")


def _audio(job: RenderJob, target: Path) -> None:
    with wave.open(str(target), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        out.writeframes(bytes(2 * int(16000 * job.seconds)))
