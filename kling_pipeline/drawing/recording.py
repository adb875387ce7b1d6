"""Writing sound files: WAV by hand, MP3 by the encoder."""

import wave
from pathlib import Path

import av
import numpy as np

from kling_pipeline.drawing.sound import RATE, Stereo


def write_sound(target: Path, sound: Stereo, suffix: str) -> None:
    """Write stereo sound of -1..1 at 44100 Hz as MP3 for the suffix `.mp3`, else as 16-bit WAV."""
    if suffix == ".mp3":
        _write_mp3(target, sound)
    else:
        with wave.open(str(target), "wb") as out:
            out.setnchannels(2)
            out.setsampwidth(2)
            out.setframerate(RATE)
            out.writeframes((np.clip(sound, -1, 1).T * 32767).astype("<i2").tobytes())


def _write_mp3(target: Path, sound: Stereo) -> None:
    with av.open(str(target), "w", format="mp3", options={"fflags": "+bitexact"}) as out:
        stream = out.add_stream("mp3", rate=RATE, layout="stereo")
        stream.bit_rate = 128_000
        for start in range(0, sound.shape[1], 1152):
            piece = np.ascontiguousarray(sound[:, start : start + 1152], np.float32)
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = RATE, start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
