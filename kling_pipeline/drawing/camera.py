"""Where the eye is: zoom and pan over a clip, eased, with depth."""

from dataclasses import dataclass


@dataclass(frozen=True)
class View:
    """One moment: `t` of 0..1 through the clip, seconds, zoom ≥ 1 and a pan in pixels."""

    t: float
    seconds: float
    zoom: float
    pan: tuple[float, float]
    focus: tuple[float, float]

    def place(self, depth: float, x: float, y: float) -> tuple[float, float, float]:
        """Scale and origin on the screen of something at (x, y) in the world; depth 0 stands still."""
        scale = 1 + (self.zoom - 1) * depth
        return (
            scale,
            (x - self.focus[0]) * scale + self.focus[0] + self.pan[0] * depth,
            (y - self.focus[1]) * scale + self.focus[1] + self.pan[1] * depth,
        )


@dataclass(frozen=True)
class Camera:
    """A move over a frame of `size` pixels around `focus` (pixels); `flat` ones never zoom."""

    move: str
    size: tuple[int, int]
    focus: tuple[float, float]
    seconds: float = 0.0
    strength: float = 1.0
    flat: bool = False

    def look(self, t: float) -> View:
        """The view at `t` of 0..1."""
        e = ease(t)
        width, height = self.size
        swing, s = 2 * e - 1, self.strength
        zoom, x, y = (1.0 if self.move == "still" else 1.06), 0.0, 0.0
        if self.move == "push":
            zoom = 1 + 0.16 * s * e
        elif self.move == "pull":
            zoom = 1 + 0.16 * s * (1 - e)
        elif self.move in ("left", "right"):
            x = (1 if self.move == "left" else -1) * swing * 0.05 * s * width
        elif self.move in ("up", "down"):
            y = (1 if self.move == "up" else -1) * swing * 0.04 * s * height
        elif self.move == "orbit":
            zoom, x = 1.05 + 0.05 * s * (1 - swing * swing), swing * 0.045 * s * width
        elif self.move == "drift":
            zoom, x = 1.03 + 0.05 * s * e, swing * -0.018 * s * width
        if self.flat:
            # Sheets that keep their size are cheap to move: what would zoom slides past instead.
            zoom, x = (
                1.0,
                x if x else {"push": 1, "pull": -1}.get(self.move, 0.6) * swing * 0.04 * width,
            )
        return View(t, t * self.seconds, zoom, (x, y), self.focus)


def ease(t: float) -> float:
    """A slow start and a slow end, never quite at rest between."""
    t = min(1.0, max(0.0, t))
    return 0.35 * t + 0.65 * t * t * (3 - 2 * t)
