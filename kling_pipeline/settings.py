"""Settings, read once from the environment and `.env`, then frozen."""

from __future__ import annotations

import ipaddress
import os
import re
import unicodedata
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from kling_pipeline.env_file import find_encoding
from kling_pipeline.errors import StudioError

ROOT = Path(__file__).resolve().parent.parent
# What cannot be seen, by category: spaces, controls, and marks that turn text, which Windows copies with a path.
_UNSEEN = {"Zs", "Zl", "Zp", "Cc", "Cf"}
_QUOTES = "\"'\u201c\u201d\u201e\u2018\u2019\u201a"  # straight, and as word processors make them
POOLS = ("video", "image")
_PARSED = {
    "int_parsing": "it must be a whole number, with nothing behind it.",
    "float_parsing": "it must be a number, with a point and not a comma.",
    "bool_parsing": "it must be 1 (yes) or 0 (no).",
}
PROXIES = ("http", "https", "socks5", "socks5h")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[\w.-]+)(:\d*)?", re.ASCII | re.IGNORECASE)
# An address, a drive of Windows, or a variable that nobody has put a value for.
_NO_FOLDER = re.compile(
    r"[a-z][a-z0-9+.-]*:[/\\]|(.*/)?(\$\w|\$\{\w|%\w+%)", re.IGNORECASE | re.DOTALL
)


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
    studio_fake_ip: bool = False
    https_proxy: SecretStr | None = None
    all_proxy: SecretStr | None = None
    no_proxy: str | None = None
    studio_time_scale: float = Field(default=1.0, gt=0, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _bare_values(cls, values: Any) -> Any:
        """White space and quotes around a value belong to the file it was copied from."""
        if not isinstance(values, dict):
            return values
        # Of a variable in both cases the lower one counts, as for curl.
        for name in ("https_proxy", "all_proxy", "no_proxy"):
            if os.environ.get(name) and values.get(name) == os.environ.get(name.upper()):
                values = {**values, name: os.environ[name]}
        bare = {
            name: _strip(value) if isinstance(value, str) else value
            for name, value in values.items()
        }
        bare = {name: value for name, value in bare.items() if value != ""}
        # Desktops set both; the one that is never asked may be of any kind.
        if bare.get("https_proxy"):
            bare.pop("all_proxy", None)
        return bare

    @field_validator("host")
    @classmethod
    def _bare_host(cls, host: str) -> str:
        host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        if any(char in "/@" or char.isspace() for char in host) or (
            ":" in host and not _is_address(host)
        ):
            raise ValueError(
                "it must be an address or a name alone, like 127.0.0.1: "
                "no http:// before it, and no port behind it, which is set by PORT."
            )
        return host

    @field_validator("kling_base_url")
    @classmethod
    def _safe_address(cls, url: str) -> str:
        parts = _split(url)
        if parts.username is not None or parts.password is not None:
            raise ValueError("it bears a name or a password; keys have settings of their own.")
        if any(char in "?#\\" or char.isspace() for char in url):
            raise ValueError("it must be an address alone: no ?, no #, no \\ and no spaces in it.")
        # Keys must not cross a network in the clear.
        if (parts.scheme == "https" and parts.hostname) or (
            parts.scheme == "http" and is_loopback(parts.hostname or "")
        ):
            return parts._replace(netloc=_encode_name(parts.netloc)).geturl().rstrip("/")
        raise ValueError("it must begin with https:// (http:// only to this machine).")

    @field_validator("studio_public_url")
    @classmethod
    def _public_address(cls, url: str | None) -> str | None:
        parts = _split(url or "https://none")
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.username is not None
            or not re.fullmatch(r"(/(?!\.\.?(/|$))[\w.~-]+)*/?", parts.path, re.ASCII)
            or "?" in (url or "")
            or "#" in (url or "")
        ):
            raise ValueError("it must be the address of this studio, https://… or https://…/path.")
        # A browser sends the name in ASCII.
        return (
            parts._replace(netloc=_encode_name(parts.netloc)).geturl().rstrip("/") if url else None
        )

    @field_validator("https_proxy", "all_proxy")
    @classmethod
    def _proxy(cls, given: SecretStr | None) -> SecretStr | None:
        """Read an address without a scheme as a plain proxy's, as curl does; desktops write socks:// for socks5://."""
        if given is None:
            return None
        url = given.get_secret_value()
        url = url if "://" in url else f"http://{url}"
        url = re.sub(r"(?i)^socks://", "socks5://", url)
        try:
            parts = urlsplit(url)
            whole = parts.scheme in PROXIES and parts.hostname and parts.port != 0
        except ValueError:
            whole = False
        if not whole or not url.isascii() or any(char.isspace() for char in url):
            raise ValueError(
                f"it must be the address of a proxy, like http://proxy.example:3128; "
                f"known are {', '.join(f'{one}://' for one in PROXIES)}."
            )
        return SecretStr(url)

    @field_validator("studio_data_dir")
    @classmethod
    def _whole_path(cls, path: Path) -> Path:
        # What a shell would have done; docker and service managers do not.
        path = Path(os.path.expandvars(path))
        if _NO_FOLDER.match(str(path)):
            raise ValueError(
                "it must be the path of a folder on this system, with no variable in it that is not set, "
                "like /srv/studio."
            )
        try:
            # Children run in another folder.
            return path.expanduser().resolve()
        except (RuntimeError, OSError, ValueError):
            raise ValueError(
                "this is no path of a folder: a ~ at its begin stands for a home, which must exist; "
                "links must not lead in a circle."
            ) from None

    @field_validator("studio_places", mode="before")
    @classmethod
    def _read_pools(cls, value: object) -> object:
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
        return is_loopback(self.host)

    @property
    def public_path(self) -> str:
        """The path of STUDIO_PUBLIC_URL without a last slash; empty where the studio has the whole host."""
        return urlsplit(self.studio_public_url or "").path.rstrip("/")

    def scaled(self, seconds: float) -> float:
        """Return a waiting time in seconds, divided by STUDIO_TIME_SCALE (tests only)."""
        return seconds / self.studio_time_scale


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    named = host.lower().removesuffix(".") == "localhost"
    return named or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def read_settings(**overrides: Any) -> Settings:
    """Settings from the environment and `.env`, or one clear sentence.

    Raises StudioError; pydantic's own text is never shown, because it repeats the values it was given, keys included.
    """
    file = overrides.pop("_env_file", ROOT / ".env")
    try:
        return Settings(**overrides, _env_file=file, _env_file_encoding=find_encoding(file))
    except ValidationError as error:
        problems = []
        for item in error.errors(include_url=False, include_input=False, include_context=False):
            name = "_".join(str(part) for part in item["loc"]).upper()
            problem = _PARSED.get(item["type"], item["msg"].removeprefix("Value error, "))
            problems.append(f"{name}: {problem}" if name else problem)
        raise StudioError("; ".join(problems), code="bad_settings") from None


def _strip(value: str) -> str:
    value = _trim(value)
    # `docker run --env-file` and some service managers pass quotes on.
    if len(value) > 1 and value[0] in _QUOTES and value[-1] in _QUOTES:
        value = _trim(value[1:-1])
    return value


def _trim(value: str) -> str:
    begin, end = 0, len(value)
    while begin < end and unicodedata.category(value[begin]) in _UNSEEN:
        begin += 1
    while begin < end and unicodedata.category(value[end - 1]) in _UNSEEN:
        end -= 1
    return value[begin:end]


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        whole = parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise ValueError("its host or its port is wrong: a port is a number from 1 to 65535.")
    return parts


def _encode_name(name: str) -> str:
    """Return the host of an address as it is asked for: other letters than ASCII in Punycode."""
    if not name.isascii():
        import idna  # noqa: PLC0415  # its tables are large, and seldom needed

        host, colon, port = name.partition(":")
        try:
            name = idna.encode(host, uts46=True).decode("ascii") + colon + port
        except idna.IDNAError:
            name = ""
    if not _HOST.fullmatch(name):
        raise ValueError("its name has letters that no name of a host has.")
    return name


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
