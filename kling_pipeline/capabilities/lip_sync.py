"""A face in a video speaks: identify the faces, choose one, give it a sound or a text.

Kling docs, lip sync, Sept 2026.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from kling_pipeline.capability import (
    FETCH,
    MB,
    Call,
    Capability,
    Fields,
    Finding,
    Known,
    Look,
    Media,
    Request,
    blank_is_none,
)
from kling_pipeline.errors import InputError

Video = Annotated[
    str,
    Field(min_length=1),
    Look("media"),
    Media(
        "video",
        side=512,
        longest=2160,
        cap=100 * MB,
        seconds=(2, 60),
        as_id="video_id",
        as_url="video_url",
    ),
]
SoundFile = Annotated[
    str | None,
    BeforeValidator(blank_is_none),
    Look("media"),
    Media("audio", cap=5 * MB, seconds=(2, 60)),
]
Text = Annotated[str | None, Field(max_length=1000), BeforeValidator(blank_is_none), Look("text")]
Voice = Annotated[str | None, Field(max_length=64), BeforeValidator(blank_is_none), Look("voice")]
Language = Annotated[Literal["en", "zh"], Look("choice")]
Speed = Annotated[
    float,
    Field(ge=0.8, le=2),
    AfterValidator(lambda speed: round(speed, 1)),
    Look("slider", advanced=True, step=0.1),
]
Moment = Annotated[int | None, Field(ge=0, le=60_000), Look("number", advanced=True, step=100)]
Volume = Annotated[float, Field(ge=0, le=2), Look("slider", advanced=True, step=0.1)]


class LipSync(Request):
    """Times in milliseconds; a sound or a text, not both."""

    video: Video
    session: Annotated[str | None, Look("session")] = None
    face_id: Annotated[str | None, Field(max_length=64), Look("session")] = None
    text: Text = None
    voice_id: Voice = None
    voice_language: Language = "en"
    voice_speed: Speed = 1.0
    sound_file: SoundFile = None
    sound_start_time: Moment = None
    sound_end_time: Moment = None
    sound_insert_time: Moment = None
    sound_volume: Volume = 1.0
    original_audio_volume: Volume = 1.0


class Identify(Request):
    """What the opening call asks for."""

    video: Video


class Speak(Request):
    """What the speaking call asks for."""

    text: Annotated[str, Field(min_length=1, max_length=1000)]
    voice_id: Annotated[str, Field(min_length=1, max_length=64)]
    voice_language: Language = "en"
    voice_speed: Speed = 1.0


def lay_video(fields: Fields, known: Known) -> dict[str, Any]:
    """A video goes by its id at Kling or by its address, never both."""
    return {name: fields[name] for name in ("video_id", "video_url") if fields.get(name)}


def read_faces(data: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """Kling's session and the faces it found; InputError when there is none."""
    faces = [one for one in data.get("face_data") or [] if one.get("face_id") is not None]
    if not faces or not data.get("session_id"):
        raise InputError.at(
            "video",
            "Kling found no face in this video. Choose one with a face in full view.",
            code="no_face",
        )
    return {
        "session_id": str(data["session_id"]),
        "faces": [
            {
                "face_id": str(one["face_id"]),
                "start_time": int(one.get("start_time") or 0),
                "end_time": int(one.get("end_time") or 0),
                "image": {FETCH: str(one.get("face_image") or ""), "kind": "image"},
            }
            for one in faces
        ],
    }


def lay_speech(fields: Fields, known: Known) -> dict[str, Any]:
    """Kling docs, text to speech, Sept 2026."""
    return {
        "text": fields["text"],
        "voice_id": fields["voice_id"],
        "voice_language": fields.get("voice_language", "en"),
        "voice_speed": fields.get("voice_speed", 1.0),
    }


def read_speech(data: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """The id of the sound at Kling, its seconds, and the sound to be heard."""
    audios = (data.get("task_result") or {}).get("audios") or []
    if not audios or not audios[0].get("id"):
        raise InputError.at("text", "Kling spoke nothing. Try other words.", code="no_speech")
    audio = audios[0]
    return {
        "audio_id": str(audio["id"]),
        "seconds": float(audio.get("duration") or 0),
        "audio": {FETCH: str(audio.get("url") or ""), "kind": "audio"},
    }


def lay_task(fields: dict[str, Any], known: Known) -> dict[str, Any]:
    """The chosen face, or the one seen longest, and the part of the sound that fits into it."""
    faces = known["identify-face"]["faces"]
    face = next((one for one in faces if one["face_id"] == fields.get("face_id")), None)
    # Kling gives no size of a face, only when it is seen: the longest is most likely the main one.
    face = face or max(faces, key=lambda one: one["end_time"] - one["start_time"])
    speech = known.get("tts")
    seconds = speech["seconds"] if speech else known["lengths"].get("sound_file") or 60
    start = fields.get("sound_start_time") or 0
    insert = fields.get("sound_insert_time")
    insert = face["start_time"] if insert is None else insert
    room = start + face["end_time"] - insert
    end = fields.get("sound_end_time") or min(int(seconds * 1000), room)
    source = {"audio_id": speech["audio_id"]} if speech else {"sound_file": fields["sound_file"]}
    choice = {
        "face_id": face["face_id"],
        **source,
        "sound_start_time": start,
        "sound_end_time": end,
        "sound_insert_time": insert,
        "sound_volume": fields.get("sound_volume", 1.0),
        "original_audio_volume": fields.get("original_audio_volume", 1.0),
    }
    return {"session_id": known["identify-face"]["session_id"], "face_choose": [choice]}


def as_the_brief_says(fields: dict[str, Any], known: Known) -> dict[str, Any]:
    """One call with two addresses, `create_lipsync_task(audio_url, video_url)`."""
    return {**lay_video(fields, known), "audio_url": fields["sound_file"]}


def sound_or_text(sent: Fields, facts: Mapping[str, Any]) -> Iterable[Finding]:
    """One source of sound, with a voice if it is a text, at least two seconds of it."""
    text, sound = sent.get("text"), sent.get("sound_file")
    if not text and not sound:
        message = "Give it a sound or a text to speak."
        yield Finding("no_sound", "sound_file", message, severity="error")
    if text and sound:
        message = "A sound or a text, not both."
        yield Finding("two_sounds", "text", message, severity="error")
    if text and not sent.get("voice_id"):
        yield Finding("no_voice", "voice_id", "Choose a voice for the text.", severity="error")
    start, end = sent.get("sound_start_time") or 0, sent.get("sound_end_time")
    if end is not None and end - start < 2000:
        message = f"{max(0, end - start)} ms of sound; at least 2000."
        yield Finding(
            "sound_too_short", "sound_end_time", message, severity="error",
            figures={"measured": end - start, "least": 2000},
        )  # fmt: skip


CAPABILITY = Capability(
    id="lip_sync",
    title="Lip sync",
    group="sound",
    makes="video",
    credit_key="kling_lip_sync",
    request=LipSync,
    layouts={"advanced-lip-sync": lay_task, "lipsync": as_the_brief_says},
    calls=(
        Call(
            id="identify-face", path="/v1/videos/identify-face", asks=Identify, lay=lay_video,
            read=read_faces, units=Decimal("0.05"), opens=True,
        ),
        Call(
            id="tts", path="/v1/audio/tts", asks=Speak, lay=lay_speech, read=read_speech,
            units=Decimal("0.05"), when=lambda fields: bool(fields.get("text")),
        ),
    ),
    rules=(sound_or_text,),
)  # fmt: skip
