"""What can be asked of the renderer."""

import json
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["video", "image", "audio"]


@dataclass(frozen=True)
class RenderJob:
    """One file to make, and everything that decides its bytes.

    Sizes are pixels, made even for video. `pictures` are (role, PNG or JPEG), `options` (name, JSON
    text) of the request: "face_box" (x, y, width, height from 0 to 1) is where the mouth is. `timing`
    is which part of the voice is heard from when on: begin, end, insertion in ms.
    """

    file: str
    kind: Kind
    scene: str
    seed: int
    prompt: str = ""
    width: int = 1280
    height: int = 720
    fps: int = 24
    seconds: float = 5
    sound: bool = False
    pictures: tuple[tuple[str, bytes], ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    film: bytes | None = None
    voice: bytes | None = None
    timing: tuple[int, int, int] | None = None
    watermark: bool = True
    counter: bool = True

    @property
    def frames(self) -> int:
        """The exact number of frames of a video, at least one."""
        return max(1, round(self.seconds * self.fps))

    def picture(self, *roles: str) -> bytes | None:
        """The first picture that plays one of these roles, or None."""
        return next((data for role, data in self.pictures if role in roles), None)

    def option(self, name: str) -> Any:
        """The value of an option; None for one that is missing or no JSON."""
        try:
            return json.loads(dict(self.options).get(name, "null"))
        except ValueError:
            return None
