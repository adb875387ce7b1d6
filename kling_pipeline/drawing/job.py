"""What can be asked of the renderer."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["video", "image", "audio"]
SPEAKING = ("lip-sync", "avatar")  # the scenes in which a mouth moves to a voice
Box = tuple[float, float, float, float]  # x, y, width, height in shares of the frame


@dataclass(frozen=True)
class RenderJob:
    """One file to make, and everything that decides its bytes.

    Sizes are pixels, made even for video. `pictures` are (role, PNG or JPEG). A face without a
    `face_box` is where a drawn portrait has it. `timing` is which part of the voice is heard from
    when on: begin, end, insertion in ms.
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
    film: bytes | None = None
    voice: bytes | None = None
    timing: tuple[int, int, int] | None = None
    face_box: Box | None = None
    watermark: bool = True
    counter: bool = True

    @property
    def frames(self) -> int:
        """The exact number of frames of a video, at least one."""
        return max(1, round(self.seconds * self.fps))

    def picture(self, *roles: str) -> bytes | None:
        """The first picture that plays one of these roles, or None."""
        return next((data for role, data in self.pictures if role in roles), None)
