"""The vocabulary of declarations: what a request, its fields, a route and a capability are.

A capability is one pydantic `Request` whose fields bear Kling's own names, and one `Capability` record. The form, the
checks, the price, the body, the tab, the API and the docs all come from these two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as made_by
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from kling_pipeline.catalog.blanks import is_blank

Widget = Literal[
    "prompt",
    "text",
    "choice",
    "model",
    "slider",
    "switch",
    "number",
    "media",
    "camera",
    "voice",
    "session",
]
Mark = TypeVar("Mark")
Kind = Literal["image", "video", "audio"]
Group = Literal["video", "image", "sound", "edit"]


@dataclass(frozen=True)
class Look:
    """How the form shows a field: its widget, and whether it is folded under Advanced."""

    widget: Widget
    advanced: bool = False
    step: float | None = None


@dataclass(frozen=True)
class Media:
    """A field that takes a file: an asset id, an https address, or in the API raw Base64.

    Limits are those of the vendor for the legacy endpoints (image: jpg or png, 10 MB, 300 px a side, ratio 1:2.5 to
    2.5:1; Kling docs, inputs, Sept 2026). `side` and `longest` in px, `ratio` is the longer side over the shorter,
    `cap` in bytes, `seconds` the shortest and longest, `fps` the frames a second taken (empty: any). `most` above 1
    makes the field a list.

    Kling takes video by address only: a result of ours goes as `as_id` where the endpoint knows ids, anything else
    as `as_url`; both name the field of the body.
    """

    kind: Kind
    side: int = 300
    longest: int = 65_536
    ratio: float = 2.5
    cap: int = 10 * 1024 * 1024
    seconds: tuple[float, float] | None = None
    fps: tuple[int, ...] = ()
    most: int = 1
    as_id: str = ""
    as_url: str = ""


class Part(BaseModel):
    """A part of a request; null stands for a field that was left out, as many clients write it."""

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        return {
            name: value
            for name, value in data.items()
            if value is not None or name not in cls.model_fields
        }


class Request(Part):
    """A capability's request: fields named as Kling names them, bounds in `Field`, looks beside them."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth(cls, value: object, info: ValidationInfo) -> object:
        """True is not a number, although Python counts with it."""
        annotation = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, bool) and bool not in (annotation, *get_args(annotation)):
            raise ValueError("true and false are not taken here.")
        return value


def written(value: object) -> object:
    """Take seconds as a number, too; Kling's legacy bodies take them as text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def blank_is_none(value: object) -> object:
    """Read a text without a visible character as None; one longer than any prompt is left to the field's own rule."""
    blank = isinstance(value, str) and len(value) <= PROMPT_LENGTH and is_blank(value)
    return None if blank else value


def bare_files(value: object) -> object:
    """Kling's own bodies wrap each picture, `[{"image": …}]`; a bare list says the same."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        return value
    return [
        next(iter(one.values())) if isinstance(one, dict) and len(one) == 1 else one
        for one in value
    ]


def _not_blank(value: str) -> str:
    if is_blank(value):
        raise ValueError("The prompt is empty. Say what happens.")
    return value


MB = 1024 * 1024
PROMPT_LENGTH = 2500

ModelName = Annotated[str, Field(min_length=1, max_length=64), Look("model")]
Prompt = Annotated[str, Field(max_length=PROMPT_LENGTH), AfterValidator(_not_blank), Look("prompt")]
NegativePrompt = Annotated[
    str | None,
    Field(max_length=PROMPT_LENGTH),
    BeforeValidator(blank_is_none),
    Look("text", advanced=True),
]
Mode = Annotated[Literal["std", "pro", "4k"], Look("choice")]
Seconds = Annotated[
    Literal["3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"],
    BeforeValidator(written),
    Look("choice"),
]
Ratio = Annotated[
    Literal["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9", "auto"], Look("choice")
]
Sound = Annotated[Literal["off", "on"], Look("switch")]
Guidance = Annotated[float | None, Field(ge=0, le=1), Look("slider", advanced=True, step=0.05)]


def given(value: str) -> str:
    """Refuse a blank value; what is longer than any prompt is read as a file."""
    if len(value) <= PROMPT_LENGTH and is_blank(value):
        raise ValueError("This is needed.")
    return value


File = Annotated[str, AfterValidator(given)]
Image = Annotated[File, Look("media"), Media("image")]
OptionalImage = Annotated[str | None, BeforeValidator(blank_is_none), Look("media"), Media("image")]
FoldedImage = Annotated[
    str | None, BeforeValidator(blank_is_none), Look("media", advanced=True), Media("image")
]

Files = Annotated[tuple[File, ...], BeforeValidator(bare_files), Look("media")]
"""A list of files; pictures are numbered from 1, `<<<image_1>>>` in the prompt."""


class CameraConfig(Part):
    """One camera axis of type `simple`: exactly one value that is not 0, each from -10 to 10."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    horizontal: float = Field(default=0, ge=-10, le=10)
    vertical: float = Field(default=0, ge=-10, le=10)
    pan: float = Field(default=0, ge=-10, le=10)
    tilt: float = Field(default=0, ge=-10, le=10)
    roll: float = Field(default=0, ge=-10, le=10)
    zoom: float = Field(default=0, ge=-10, le=10)


class CameraControl(Part):
    """A camera move, as Kling words it (Kling docs, text to video, Sept 2026)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward"]
    config: CameraConfig | None = None

    @model_validator(mode="after")
    def _one_axis(self) -> CameraControl:
        moved = [by for by in self.config.model_dump().values() if by] if self.config else []
        if self.type == "simple" and len(moved) != 1:
            raise ValueError(f"{len(moved)} axes are moved; a simple move has exactly one.")
        if self.type != "simple" and self.config is not None:
            raise ValueError(f"{self.type} moves by itself; it takes no config.")
        return self


class OneMove(CameraControl):
    """The only kind of move that image to video takes (Kling docs, image to video, Sept 2026)."""

    type: Literal["simple"] = "simple"


Camera = Annotated[CameraControl | None, Look("camera", advanced=True)]
SimpleCamera = Annotated[OneMove | None, Look("camera", advanced=True)]


@dataclass(frozen=True)
class Route:
    """An endpoint of Kling: where a task is made and asked for, and what is known of it.

    `find`: a task can be looked up by our external id. `duplicate_refused`: seen live that a repeated external id is
    refused. `result`: the key of `task_result` that holds the files. `pool`: whose concurrency it takes.
    """

    id: str
    path: str
    result: Literal["videos", "images", "audios"]
    pool: Literal["video", "image", "try-on"]
    dialect: Literal["legacy", "new"] = "legacy"
    find: bool = True
    duplicate_refused: bool = False
    source: str = ""
    as_of: str = ""


FETCH = "$fetch"
"""In what a call keeps: `{"$fetch": address, "kind": …}` is a file of Kling's that a person should see or hear."""

Fields = Mapping[str, Any]
StepResults = Mapping[str, Any]
Layout = Callable[[dict[str, Any], StepResults], dict[str, Any]]
"""Lays the fields that are sent, and what earlier calls answered, out as an endpoint wants them."""


@dataclass(frozen=True)
class Call:
    """A call before the task, answered at once: identify a face, begin a selection, speak a text.

    `asks` are the fields a person gives in a session; `lay` makes the body from the fields and the step results; `read`
    keeps of the answer's data what later calls need, and raises InputError when the answer says no. `opens`: it makes a
    session. `step`: a job without a session makes it itself, `when` its fields ask for it. It costs `units` video
    units; sent twice after a crash it costs us, at most 0.05. Its answer is kept under its id, or in place of that of
    the call that `keeps` names: what is marked is one thing, whether a point was added or taken away. `made`: what
    it would do stands in the session already, so a job does not do it again.
    """

    id: str
    path: str
    asks: type[Request]
    build: Callable[[Fields, StepResults], dict[str, Any]]
    read: Callable[[Mapping[str, Any], StepResults], dict[str, Any]]
    units: Decimal = Decimal(0)
    opens: bool = False
    step: bool = True
    when: Callable[[Fields], bool] = lambda fields: True
    keeps: str = ""
    made: Callable[[Fields, StepResults], bool] = lambda fields, step_results: False

    @property
    def result_key(self) -> str:
        """The name under which its answer is kept."""
        return self.keeps or self.id

    def asked(self, fields: Fields) -> dict[str, Any]:
        """Which call was asked and with what, to be kept beside its answer."""
        given = {name: fields[name] for name in self.asks.model_fields if name in fields}
        return {"call": self.id, **given}


@dataclass(frozen=True)
class Finding:
    """Something to say before money is spent: a stable id, the field, one English sentence, the figures in it.

    `fix` maps fields to the values that would settle it, for one click on the page. `absent`: nothing is wrong yet,
    something that is needed is still to come.
    """

    id: str
    field: str
    message: str
    severity: Literal["hint", "warning", "error"] = "warning"
    figures: Mapping[str, Any] = made_by(default_factory=dict)
    fix: Mapping[str, Any] = made_by(default_factory=dict)
    absent: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the public shape."""
        return {
            "id": self.id,
            "field": self.field,
            "message": self.message,
            "severity": self.severity,
            "figures": dict(self.figures),
            "fix": dict(self.fix),
        }


Rule = Callable[[Fields, Mapping[str, Any], StepResults], Iterable[Finding]]
"""Looks at what is sent, at the measures of its files by field, and at the answers of its session's calls by the call's
name, and says what would fail or be wrong at Kling."""


@dataclass(frozen=True)
class Capability:
    """One thing a creator can ask for.

    `layouts` holds, by route id, the bodies that are not simply the fields; `calls` what comes before the task, in
    order; `rules` what no single field can tell, `file_rules` what is known once the files are measured; `numbered` the
    fields whose files the prompt should name, in the order of their numbers. A capability with an opening call keeps a
    person's choices in a session (`session` among its fields).
    """

    id: str
    title: str
    group: Group
    makes: Kind
    credit_key: str
    request: type[Request]
    layouts: Mapping[str, Layout] = made_by(default_factory=dict)
    calls: tuple[Call, ...] = ()
    rules: tuple[Rule, ...] = ()
    file_rules: tuple[Rule, ...] = ()
    numbered: tuple[str, ...] = ()

    def looks(self) -> dict[str, Look]:
        """Field name to look, in the order of the form."""
        return dict(_marks(self.request, Look))

    def missing(self, params: Fields) -> list[str]:
        """Return the required fields of which nothing can be seen in the params, in the order of the request."""
        return [
            name
            for name, info in self.request.model_fields.items()
            if info.is_required() and is_blank(str(params.get(name) or ""))
        ]

    def media(self) -> dict[str, Media]:
        """Field name to the file rule of each field that takes a file."""
        return dict(_marks(self.request, Media))

    def steps(self, fields: Fields, step_results: StepResults) -> list[Call]:
        """Return the calls that a job with these fields still has to make before its task, in order.

        An answer is good for what was asked: a text that was changed is spoken anew.
        """
        in_session = fields.get("session") is not None
        return [
            call
            for call in self.calls
            if call.step
            and call.when(fields)
            and not (in_session and call.opens)
            and not (in_session and call.made(fields, step_results))
            and step_results.get(call.result_key, {}).get("asked") != call.asked(fields)
        ]


def _marks(request: type[Request], kind: type[Mark]) -> list[tuple[str, Mark]]:
    return [
        (name, mark)
        for name, info in request.model_fields.items()
        for mark in info.metadata
        if isinstance(mark, kind)
    ]
