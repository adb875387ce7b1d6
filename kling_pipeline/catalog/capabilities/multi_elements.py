"""Swap, add or remove something in a video: mark it on a frame, see the mask, edit it.

Kling docs, multi-elements, Sept 2026.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from kling_pipeline.catalog.declaration import (
    FETCH,
    MB,
    Call,
    Capability,
    Fields,
    File,
    Files,
    Finding,
    Look,
    Media,
    Mode,
    ModelName,
    NegativePrompt,
    Part,
    Prompt,
    Request,
    StepResults,
)
from kling_pipeline.errors import InputError

__all__ = ["CAPABILITY", "MultiElements"]

Video = Annotated[
    File,
    Look("media"),
    Media(
        "video",
        side=720,
        longest=2160,
        cap=200 * MB,
        seconds=(2, 10),
        fps=(24, 30, 60),
        as_id="video_id",
        as_url="video_url",
    ),
]
Pictures = Annotated[Files, Media("image", most=2)]


class Point(Part):
    """A mark on a frame, from the left and from the top, 0 to 1."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    x: float = Field(ge=0, le=1)
    y: float = Field(ge=0, le=1)


Points = Annotated[tuple[Point, ...], Field(max_length=10), Look("session")]
Frame = Annotated[int, Field(ge=0, strict=True), Look("session")]


class MultiElements(Request):
    """Without a session, `points` on the frame `frame_index` say what is meant."""

    video: Video
    session: Annotated[str | None, Look("session")] = None
    edit_mode: Annotated[Literal["swap", "addition", "removal"], Look("choice")] = "swap"
    image_list: Pictures = ()
    prompt: Prompt
    model_name: ModelName = "kling-v1-6"
    mode: Mode = "std"
    negative_prompt: NegativePrompt = None
    frame_index: Frame = 0
    points: Points = ()


class Begin(Request):
    """What the opening call asks for."""

    video: Video


class Mark(Request):
    """Marks on one frame."""

    frame_index: Frame = 0
    points: Annotated[tuple[Point, ...], Field(min_length=1, max_length=10)]


class Nothing(Request):
    """A call without fields of its own."""


def build_video(fields: Fields, step_results: StepResults) -> dict[str, Any]:
    """Return a video goes by its id at Kling or by its address, never both."""
    return {name: fields[name] for name in ("video_id", "video_url") if fields.get(name)}


def build_marks(fields: Fields, step_results: StepResults) -> dict[str, Any]:
    """Marks on a frame of the session's video."""
    return {
        "session_id": _session(step_results),
        "frame_index": fields.get("frame_index", 0),
        "points": fields["points"],
    }


def build_session(fields: Fields, step_results: StepResults) -> dict[str, Any]:
    """Return the session alone."""
    return {"session_id": _session(step_results)}


def read_begin(data: Mapping[str, Any], step_results: StepResults) -> dict[str, Any]:
    """Kling's session and what it measured; InputError when it does not take the video."""
    if data.get("status") or not data.get("session_id"):
        raise InputError.at(
            "video",
            "Kling does not take this video. It wants 2 to 5 or 7 to 10 seconds, 720 to 2160 px a side.",
            code="video_refused",
        )
    names = ("fps", "original_duration", "width", "height", "total_frame")
    return {
        "session_id": str(data["session_id"]),
        **{name: data[name] for name in names if isinstance(data.get(name), int | float)},
    }


def read_marks(data: Mapping[str, Any], step_results: StepResults) -> dict[str, Any]:
    """Return the frame and its masks as PNG; InputError when Kling found nothing at the marks."""
    result = data.get("res") or {}
    masks = [
        str((one.get("png_mask") or {}).get("base64") or "")
        for one in result.get("rle_mask_list") or []
    ]
    if data.get("status"):
        raise InputError.at(
            "points", "Kling found nothing there. Mark another point.", code="nothing_marked"
        )
    frame, found = int(result.get("frame_index") or 0), [one for one in masks if one]
    marked = {**_marked(step_results), str(frame): len(found)}
    return {"frame_index": frame, "masks": found, "marked": marked}


def read_preview(data: Mapping[str, Any], step_results: StepResults) -> dict[str, Any]:
    """Return the video with its mask."""
    video = (data.get("res") or {}).get("video")
    return {"video": {FETCH: str(video or ""), "kind": "video"}}


def read_clear(data: Mapping[str, Any], step_results: StepResults) -> dict[str, Any]:
    """Nothing is marked any more."""
    return {"masks": [], "marked": {}}


def build_task(fields: dict[str, Any], step_results: StepResults) -> dict[str, Any]:
    """ "5" for an input of 2 to 5 seconds, "10" for one of 7 to 10."""
    begun = step_results["init-selection"]
    seconds = (
        step_results["lengths"].get("video") or float(begun.get("original_duration") or 0) / 1000
    )
    body = {
        "session_id": begun["session_id"],
        "edit_mode": fields["edit_mode"],
        "prompt": fields["prompt"],
        "mode": fields["mode"],
        "duration": "5" if seconds <= 5.05 else "10",
    }
    if pictures := fields.get("image_list"):
        body["image_list"] = [{"image": one} for one in pictures]
    if fields.get("negative_prompt"):
        body["negative_prompt"] = fields["negative_prompt"]
    return body


def edit_fits(
    sent: Fields, facts: Mapping[str, Any], step_results: StepResults
) -> Iterable[Finding]:
    """Pictures by kind of edit, the names in the prompt, something that is marked."""
    mode, count = sent.get("edit_mode"), len(sent.get("image_list") or [])
    least, most = {"swap": (1, 1), "addition": (1, 2), "removal": (0, 0)}[str(mode)]
    if not least <= count <= most:
        wanted = str(most) if least == most else f"{least} to {most}"
        message = f"{count} pictures; {mode} takes {wanted}."
        yield Finding(
            "edit_pictures", "image_list", message, severity="error",
            figures={"count": count, "mode": mode, "wanted": wanted},
        )  # fmt: skip
    prompt = str(sent.get("prompt", ""))
    names = ["<<<video_1>>>", *(f"<<<image_{number + 1}>>>" for number in range(count))]
    if missing := [name for name in names if name not in prompt]:
        yield Finding(
            "edit_names", "prompt", f"The prompt must name {' and '.join(missing)}.", severity="error",
            figures={"names": " ".join(missing)}, fix={"prompt": f"{prompt} {' '.join(missing)}".strip()},
        )  # fmt: skip
    marked = sent.get("points") or any(_marked(step_results).values())
    if not marked and mode != "addition":
        message = "Mark what is meant: click it on the frame."
        yield Finding("no_points", "points", message, severity="error")


def edit_length(
    sent: Fields, facts: Mapping[str, Any], step_results: StepResults
) -> Iterable[Finding]:
    """Kling edits videos of 2 to 5 or of 7 to 10 seconds."""
    seconds = getattr(facts.get("video"), "duration", None)
    if seconds and 5.05 < seconds < 6.95:
        yield Finding(
            "edit_length", "video", f"{seconds:.1f} s; Kling takes 2 to 5 or 7 to 10 seconds.",
            severity="error", figures={"seconds": round(seconds, 1)},
        )  # fmt: skip


def _marked(step_results: StepResults) -> Mapping[str, int]:
    """Return how many things are marked on each frame."""
    found: Mapping[str, int] = step_results.get(_MARKS, {}).get("marked", {})
    return found


def _session(step_results: StepResults) -> str:
    return str(step_results["init-selection"]["session_id"])


_AT, _MARKS = "/v1/videos/multi-elements", "add-selection"
CAPABILITY = Capability(
    id="multi_elements",
    title="Multi-elements",
    group="edit",
    makes="video",
    credit_key="kling_multi_elements",
    request=MultiElements,
    layouts={"multi-elements": build_task, "multi-elements-slash": build_task},
    calls=(
        Call("init-selection", f"{_AT}/init-selection", Begin, build_video, read_begin, opens=True),
        Call(
            "add-selection", f"{_AT}/add-selection", Mark, build_marks, read_marks,
            when=lambda fields: bool(fields.get("points")),
            made=lambda fields, step_results: any(_marked(step_results).values()),
        ),
        Call(
            "delete-selection", f"{_AT}/delete-selection", Mark, build_marks, read_marks,
            step=False, keeps=_MARKS,
        ),
        Call(
            "clear-selection", f"{_AT}/clear-selection", Nothing, build_session, read_clear,
            step=False, keeps=_MARKS,
        ),
        Call("preview-selection", f"{_AT}/preview-selection", Nothing, build_session, read_preview, step=False),
    ),
    rules=(edit_fits,),
    file_rules=(edit_length,),
    numbered=("video", "image_list"),
)  # fmt: skip
