"""What a scene is: layers before a camera that moves."""

from dataclasses import dataclass, field

from kling_pipeline.drawing.layers import Layer, View
from kling_pipeline.drawing.prompt import Shot

# move → zoom at the beginning and the end, pan to the left and upwards in shares of the frame
_MOVES = {
    "push": (1.0, 1.16, 0.0, 0.0), "pull": (1.16, 1.0, 0.0, 0.0), "still": (1.0, 1.0, 0.0, 0.0),
    "left": (1.06, 1.06, 0.05, 0.0), "right": (1.06, 1.06, -0.05, 0.0),
    "up": (1.06, 1.06, 0.0, 0.04), "down": (1.06, 1.06, 0.0, -0.04),
    "orbit": (1.05, 1.05, 0.045, 0.0), "drift": (1.03, 1.08, -0.018, 0.0),
}  # fmt: skip


@dataclass
class Scene:
    """Layers from back to front, and `overlays` before them, filmed around `focus` (pixels).

    Layers are painted for every `step`-th frame only and mixed between, which keeps moves smooth
    below a pixel at a part of the price; overlays are painted for each frame. `vignette` darkens
    the corners by that share. A camera in `mode` "flat" never zooms, because layers that keep their
    size are cheap to move; "photo" never looks past the frame's edge, "dissolve" ends as it began.
    """

    shot: Shot
    layers: list[Layer]
    focus: tuple[float, float]
    vignette: float = 0.2
    step: int = 2
    mode: str = ""
    overlays: list[Layer] = field(default_factory=list)

    def look(self, t: float, seconds: float) -> View:
        """The view at `t` of 0..1 through a clip of so many seconds."""
        width, height, move, e = self.shot.width, self.shot.height, self.shot.move, ease(t)
        begin, end, left, up = _MOVES[move]
        swing, focus = 2 * e - 1, self.focus
        zoom = begin + (end - begin) * e + (0.05 * (1 - swing * swing) if move == "orbit" else 0)
        pan = (left * swing * width, up * swing * height)
        if self.mode == "flat":
            # What would zoom slides past instead.
            side = {"push": 0.04, "pull": -0.04}.get(move, 0.024)
            zoom, pan = 1.0, (pan[0] or side * swing * width, 0.0)
        elif self.mode:
            # A pan is a zoom towards that side, an orbit one whose aim wanders.
            zoom = 1.0 if move == "still" else 1 + 0.15 * (1 - e if move == "pull" else e)
            x = {"left": 0.0, "right": width, "orbit": focus[0] + (width - 2 * focus[0]) * e}
            y = {"up": 0.0, "down": height}
            pan, focus = (0.0, 0.0), (x.get(move, focus[0]), y.get(move, focus[1]))
        if self.mode == "dissolve":
            zoom = 1 + 0.085 * (ease(t / 0.66) if t < 0.66 else ease((1 - t) / 0.34))
        return View(t, t * seconds, zoom, pan, focus)


def ease(t: float) -> float:
    """A slow start and a slow end, never quite at rest between."""
    t = min(1.0, max(0.0, t))
    return 0.35 * t + 0.65 * t * t * (3 - 2 * t)
