"""Draw the media that the simulator returns; imported by the simulator only."""

from kling_pipeline.drawing.order import Order, Picture
from kling_pipeline.drawing.room import draw

__all__ = ["Order", "Picture", "draw"]
