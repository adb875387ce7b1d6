"""What can be asked of the drawing room."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["video", "image", "audio"]


@dataclass(frozen=True)
class Picture:
    """A picture handed in with an order; `data` is a PNG or JPEG, garbage is tolerated."""

    role: str
    data: bytes


@dataclass(frozen=True)
class Order:
    """Everything that decides a drawing: equal orders give equal bytes.

    `width` and `height` are pixels (made even for video), `seconds` is the length of a video or
    sound, `extras` are (key, JSON text) pairs that single scenes read; ("mark", "false") leaves the
    mark away and ("counter", "false") its counter.
    """

    kind: Kind
    scene: str
    seed: int
    prompt: str
    width: int
    height: int
    fps: int = 24
    seconds: float = 0
    sound: bool = False
    pictures: tuple[Picture, ...] = ()
    extras: tuple[tuple[str, str], ...] = ()

    @property
    def frames(self) -> int:
        """The exact number of frames of a video order, at least one."""
        return max(1, round(self.seconds * self.fps))

    def first(self, *roles: str) -> bytes | None:
        """The bytes of the first picture that plays one of these roles, or None."""
        return next((p.data for p in self.pictures if p.role in roles), None)

    def extra(self, key: str) -> str | None:
        """The JSON text of an extra, or None."""
        return dict(self.extras).get(key)
