"""The settings of one simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Contract = Literal["vendor", "brief"]
Media = Literal["drawn", "plain"]


@dataclass(frozen=True)
class Options:
    """Settings of one simulator; the defaults make a demo that needs no key of Kling's.

    `speed` divides the 60 s of a video and the 15 s of an image. `state` None keeps everything in
    memory. `slots` and `units` override the pools of rules.toml by product type ("video",
    "image", "try-on"); `model_states` overrides "alive", "at_risk" or "retired" by model name.
    A `webhook_secret` ("whsec_...") signs callbacks. `rules` names a file with more rows in the
    form of rules.toml. Raises ValueError for a speed that is not above 0.
    """

    port: int = 0
    speed: float = 1.0
    seed: int = 0
    contract: Contract = "vendor"
    media: Media = "drawn"
    state: Path | None = None
    faults: Path | None = None
    rules: Path | None = None
    access_key: str = "demo-access-key"
    secret_key: str = "demo-secret-key-of-the-simulator"
    api_key: str = "demo-api-key"
    parent_pipe: bool = False
    port_file: Path | None = None
    webhook_secret: str = ""
    slots: Mapping[str, int] = field(default_factory=dict)
    units: Mapping[str, float] = field(default_factory=dict)
    model_states: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.speed > 0:
            raise ValueError("speed must be more than 0")
