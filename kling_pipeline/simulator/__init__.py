"""A local Kling: the vendor's API, its rules and its clock, as a server of its own.

A request goes down these floors: `api` (routes, responses, faults) → `service` → `calls` (those
that are synchronous) → `context` → `tasks` → `render` → `inputs` (media) → `rules` (bodies, prices).
Nothing of ours is imported but what draws, and the rules are its own, in rules/rules.toml.
"""

from kling_pipeline.simulator.app import build_app
from kling_pipeline.simulator.options import Options
from kling_pipeline.simulator.server import serve

__all__ = ["Options", "build_app", "serve"]
