"""Settings, read once from the environment and `.env`, then frozen."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from kling_pipeline.errors import StudioError

ROOT = Path(__file__).resolve().parent.parent
POOLS = ("video", "image")


class Settings(BaseSettings):
    """Every knob of the studio; names are the environment variables in lower case."""

    model_config = SettingsConfigDict(
        env_file=ROOT / ".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    kling_access_key: SecretStr | None = None
    kling_secret_key: SecretStr | None = None
    kling_api_key: SecretStr | None = None
    kling_webhook_secret: SecretStr | None = None
    kling_base_url: str = "https://api-singapore.klingai.com"
    kling_contract: Literal["vendor", "brief"] = "vendor"
    studio_data_dir: Path = ROOT / "data" / "var"
    host: str = "127.0.0.1"
    port: int = Field(default=7860, ge=0, le=65535)
    studio_workers: int = Field(default=8, ge=0, le=64)
    studio_places: Annotated[dict[str, int], NoDecode] = Field(default_factory=dict)
    studio_opening_credits: int | None = Field(default=None, ge=0, le=10**9)
    studio_quota_mb: int = Field(default=5 * 1024, ge=0, le=10**9)
    studio_disk_floor_mb: int | None = Field(default=None, ge=0, le=10**9)
    studio_public_url: str | None = None
    studio_queue_url: str | None = None
    studio_time_scale: float = Field(default=1.0, gt=0, allow_inf_nan=False)

    @field_validator("kling_base_url")
    @classmethod
    def _safe_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.username is not None or parts.password is not None:
            raise ValueError("it bears a name or a password; keys have settings of their own.")
        if parts.scheme == "https" and parts.hostname:
            return url.rstrip("/")
        # Keys must not cross a network in the clear.
        if parts.scheme == "http" and _is_loopback(parts.hostname or ""):
            return url.rstrip("/")
        raise ValueError("it must begin with https:// (http:// only to this machine).")

    @field_validator("studio_public_url")
    @classmethod
    def _public_address(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "https://none")
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.username is not None
        ):
            raise ValueError("it must be the address of this studio, https://….")
        return url.rstrip("/") if url else None

    @field_validator("studio_data_dir")
    @classmethod
    def _whole_path(cls, path: Path) -> Path:
        # Children run in another folder.
        return path.expanduser().resolve()

    @field_validator("studio_places", mode="before")
    @classmethod
    def _places(cls, value: object) -> object:
        """`video=5,image=9` as a dict."""
        if not isinstance(value, str):
            return value
        found: dict[str, int] = {}
        for part in filter(None, map(str.strip, value.split(","))):
            pool, _, number = part.partition("=")
            pool, number = pool.strip(), number.strip()
            if pool not in POOLS or not number.isdecimal() or not 1 <= int(number) <= 1000:
                raise ValueError(
                    f"write it like video=5,image=9: a pool ({' or '.join(POOLS)}) "
                    "and how many tasks your Kling plan runs at once, from 1 to 1000."
                )
            found[pool] = int(number)
        return found

    @model_validator(mode="after")
    def _whole_pair(self) -> Settings:
        if bool(self.kling_access_key) != bool(self.kling_secret_key):
            missing = "KLING_SECRET_KEY" if self.kling_access_key else "KLING_ACCESS_KEY"
            raise ValueError(
                f"Half a pair of keys: {missing} is not set. "
                "Set both KLING_ACCESS_KEY and KLING_SECRET_KEY, or neither."
            )
        return self

    @property
    def demo(self) -> bool:
        """True when no key of either kind is set: the local simulator answers, nobody is charged."""
        return self.kling_access_key is None and self.kling_api_key is None

    @property
    def opening_credits(self) -> int:
        """Credits granted once to a new account: US$100 of play money in demo mode, US$20 with keys."""
        if self.studio_opening_credits is not None:
            return self.studio_opening_credits
        return 100_000 if self.demo else 20_000

    @property
    def quota(self) -> int | None:
        """Bytes that the uploads of one owner may take; None: as many as there is room for."""
        return self.studio_quota_mb * 1024**2 or None

    @property
    def disk_floor(self) -> int | None:
        """Bytes of the disk that stay free for results; None: what is usual for a disk of its size."""
        return None if self.studio_disk_floor_mb is None else self.studio_disk_floor_mb * 1024**2

    @property
    def loopback(self) -> bool:
        """Whether HOST can be reached from this machine only."""
        return _is_loopback(self.host)

    def scaled(self, seconds: float) -> float:
        """A waiting time in seconds, divided by STUDIO_TIME_SCALE (tests only)."""
        return seconds / self.studio_time_scale


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_settings(**overrides: object) -> Settings:
    """Settings from the environment, or one clear sentence.

    Raises StudioError; pydantic's own text is never shown, because it repeats the values it was given, keys included.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks the values itself
    except ValidationError as error:
        problems = []
        for item in error.errors(include_url=False, include_input=False, include_context=False):
            name = "_".join(str(part) for part in item["loc"]).upper()
            said = item["msg"].removeprefix("Value error, ")
            problems.append(f"{name}: {said}" if name else said)
        raise StudioError("; ".join(problems), code="bad_settings") from None
