"""A local Kling: the vendor's API, its rules and its clock, as a server of its own.

It imports nothing of ours from outside this package and reads its rules from its own rules.toml.
"""

from kling_pipeline.simulator.app import build_app
from kling_pipeline.simulator.options import Options
from kling_pipeline.simulator.server import serve

__all__ = ["Options", "build_app", "serve"]
