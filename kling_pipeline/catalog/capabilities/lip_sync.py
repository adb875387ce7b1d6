"""A face in a video speaks: identify the faces, choose one, give it a sound or a text.

Kling docs, lip sync, Sept 2026.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from kling_pipeline.catalog.declaration import (
    FETCH,
    MB,
    Call,
    Capability,
    Fields,
    File,
    Finding,
    Look,
    Media,
    Request,
    StepResults,
    blank_is_none,
    given,
)
from kling_pipeline.errors import InputError

_LEAST = 2000  # ms of sound
_SHORT_SPEECH = "The text is spoken in {:.1f} s; at least 2 s are needed. Make it longer."
_SLACK = 100  # ms; a container's clock may end a frame late

__all__ = ["CAPABILITY", "LipSync"]

Film = Media(
    "video", side=512, longest=2160, cap=100 * MB, seconds=(2, 60), as_id="video_id", as_url="video_url"
)  # fmt: skip
Video = Annotated[File, Look("media"), Film]
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

    text: Annotated[str, Field(max_length=1000), AfterValidator(given)]
    voice_id: Annotated[str, Field(max_length=64), AfterValidator(given)]
    voice_language: Language = "en"
    voice_speed: Speed = 1.0


def build_video(fields: Fields, step_results: StepResults) -> dict[str, Any]:
    """Return a video goes by its id at Kling or by its address, never both."""
    return {name: fields[name] for name in ("video_id", "video_url") if fields.get(name)}


def read_faces(data: Mapping[str, Any], step_results: StepResults) -> dict[str, Any]:
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


def build_speech(fields: Fields, step_results: StepResults) -> dict[str, Any]:
    """Kling docs, text to speech, Sept 2026."""
    return {
        "text": fields["text"],
        "voice_id": fields["voice_id"],
        "voice_language": fields.get("voice_language", "en"),
        "voice_speed": fields.get("voice_speed", 1.0),
    }


def read_speech(data: Mapping[str, Any], step_results: StepResults) -> dict[str, Any]:
    """Return the id of the sound at Kling, its seconds, and the sound to be heard."""
    audios = (data.get("task_result") or {}).get("audios") or []
    if not audios or not audios[0].get("id"):
        raise InputError.at("text", "Kling spoke nothing. Try other words.", code="no_speech")
    audio = audios[0]
    heard = {FETCH: str(audio.get("url") or ""), "kind": "audio"}
    seconds = float(audio.get("duration") or 0)
    return {"audio_id": str(audio["id"]), "seconds": seconds, "audio": heard}


def build_task(fields: dict[str, Any], step_results: StepResults) -> dict[str, Any]:
    """Return the chosen face, or the one seen longest, and the part of the sound that fits into it."""
    face = _choose(step_results["identify-face"]["faces"], fields.get("face_id"))
    speech = step_results.get("tts") if fields.get("text") else None
    seconds = speech["seconds"] if speech else step_results["lengths"].get("sound_file") or 60
    start = fields.get("sound_start_time") or 0
    insert = fields.get("sound_insert_time")
    insert = face["start_time"] if insert is None else insert
    available = start + face["end_time"] - insert
    end = fields.get("sound_end_time") or available
    end = min(end, int(seconds * 1000))
    if end - start < _LEAST:
        raise _too_short(end - start, seconds if speech else None)
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
    return {"session_id": step_results["identify-face"]["session_id"], "face_choose": [choice]}


def _too_short(part: int, spoken: float | None) -> InputError:
    """Kling takes two seconds at least; what is missing is said where it can be mended."""
    if spoken is not None and spoken * 1000 < _LEAST:
        message = _SHORT_SPEECH.format(spoken)
        return InputError.at("text", message, code="speech_too_short")
    message = (
        f"Only {max(0, part) / 1000:.1f} s of the sound meet the face; at least 2 s are needed."
    )
    return InputError.at("sound_insert_time", message, code="sound_misfit")


def _choose(faces: list[Mapping[str, Any]], face_id: str | None) -> Mapping[str, Any]:
    chosen = next((one for one in faces if one.get("face_id") == face_id), None)
    # Kling gives no size of a face, only when it is seen: the longest is most likely the main one.
    return chosen or max(faces, key=lambda one: one["end_time"] - one["start_time"])


def brief_body(fields: dict[str, Any], step_results: StepResults) -> dict[str, Any]:
    """One call with two addresses, `create_lipsync_task(audio_url, video_url)`."""
    return {**build_video(fields, step_results), "audio_url": fields["sound_file"]}


def sound_or_text(
    sent: Fields, facts: Mapping[str, Any], step_results: StepResults
) -> Iterable[Finding]:
    """One source of sound, with a voice if it is a text, at least two seconds of it."""
    text, sound = sent.get("text"), sent.get("sound_file")
    if not text and not sound:
        yield Finding(
            "no_sound", "sound_file", "Give it a sound or a text to speak.", severity="error",
            absent=True,
        )  # fmt: skip
    if text and sound:
        yield Finding("two_sounds", "text", "A sound or a text, not both.", severity="error")
    if text and not sent.get("voice_id"):
        yield Finding(
            "no_voice", "voice_id", "Choose a voice for the text.", severity="error", absent=True
        )


def face_is_there(
    sent: Fields, facts: Mapping[str, Any], step_results: StepResults
) -> Iterable[Finding]:
    """A face is chosen among those that Kling found."""
    faces = [one["face_id"] for one in step_results.get("identify-face", {}).get("faces", [])]
    chosen = sent.get("face_id")
    if chosen is not None and faces and chosen not in faces:
        message = f"There is no face {chosen}; Kling found {', '.join(faces)}."
        yield Finding(
            "no_such_face", "face_id", message, severity="error",
            figures={"face": chosen, "faces": ", ".join(faces)}, fix={"face_id": faces[0]},
        )  # fmt: skip


def sound_fits(
    sent: Fields, facts: Mapping[str, Any], step_results: StepResults
) -> Iterable[Finding]:
    """Two seconds of sound at least, inside the video and while the face is seen, as far as is known."""
    film = _ms(facts.get("video"))
    faces = step_results.get("identify-face", {}).get("faces") or [
        {"start_time": 0, "end_time": film}
    ]
    face = _choose(faces, sent.get("face_id")) if film else faces[0]
    sound = _spoken(sent, step_results) if sent.get("text") else _ms(facts.get("sound_file"))
    if sent.get("text") and sound is not None and sound < _LEAST:
        seconds, message = sound / 1000, _SHORT_SPEECH.format(sound / 1000)
        yield Finding("speech_too_short", "text", message, "error", {"seconds": seconds})
        return
    start, insert = sent.get("sound_start_time") or 0, sent.get("sound_insert_time")
    insert = face["start_time"] if insert is None else insert
    available = None if film is None else start + face["end_time"] - insert
    end = sent.get("sound_end_time")
    if end is None:
        end = min((one for one in (sound, available) if one is not None), default=60_000)
    last, seen = insert + end - start, face["end_time"] or 60_000
    for wrong, measured, bound, template in (
        (end - start < _LEAST, end - start, _LEAST, "{0} ms of sound; at least {1}."),
        (sound and end > sound + _SLACK, end, sound, "It ends at {0} ms; the sound has {1} ms."),
        (film and last > film + _SLACK, last, film, "It ends at {0} ms; the video has {1} ms."),
        (
            (overlap := min(last, seen) - max(insert, face["start_time"])) < _LEAST, overlap, _LEAST,
            "The face is seen for {0} ms of it; at least {1}.",
        ),
    ):  # fmt: skip
        if wrong:
            times = ("sound_end_time", "sound_start_time", "sound_insert_time")
            field = next((name for name in times if sent.get(name)), "sound_file")
            figures = {"measured": max(0, measured), "bound": bound}
            message = template.format(*figures.values())
            yield Finding("sound_misfit", field, message, severity="error", figures=figures)
            return


def _spoken(sent: Fields, step_results: StepResults) -> int | None:
    """Return milliseconds of the text as it was spoken in this session, None when it is not this text."""
    speech = step_results.get("tts", {})
    asked = speech.get("asked", {})
    same = asked and all(asked.get(name) == sent.get(name) for name in Speak.model_fields)
    return int(speech["seconds"] * 1000) if same else None


def _ms(facts: Any) -> int | None:
    seconds = getattr(facts, "duration", None)
    return None if seconds is None else int(seconds * 1000)


CAPABILITY = Capability(
    id="lip_sync",
    title="Lip sync",
    group="sound",
    makes="video",
    credit_key="kling_lip_sync",
    request=LipSync,
    layouts={"advanced-lip-sync": build_task, "lipsync": brief_body},
    calls=(
        Call(
            id="identify-face", path="/v1/videos/identify-face", asks=Identify, build=build_video,
            read=read_faces, units=Decimal("0.05"), opens=True,
        ),
        Call(
            id="tts", path="/v1/audio/tts", asks=Speak, build=build_speech, read=read_speech,
            units=Decimal("0.05"), when=lambda fields: bool(fields.get("text")),
        ),
    ),
    rules=(sound_or_text, face_is_there, sound_fits),
    file_rules=(sound_fits,),
)  # fmt: skip
