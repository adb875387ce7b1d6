"""Media that the simulator draws: a folder of its own that knows nothing of the rest."""

from kling_pipeline.simulator.drawn.order import Order, Picture
from kling_pipeline.simulator.drawn.room import draw

__all__ = ["Order", "Picture", "draw"]
