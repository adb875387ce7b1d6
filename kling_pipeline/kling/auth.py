"""Keys, and the header that proves them to Kling."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import httpx
import jwt
from jwt.warnings import InsecureKeyLengthWarning

from kling_pipeline.errors import StudioError
from kling_pipeline.settings import Settings

__all__ = ["Keys", "KlingAuth"]

TOKEN_LIFE = 1800  # s
RENEW_BEFORE = 60  # s
NOT_BEFORE = 5  # s

# Kling makes the keys; nobody here can make them longer.
warnings.filterwarnings("ignore", category=InsecureKeyLengthWarning)


@dataclass(frozen=True)
class Keys:
    """What an account signs with: a pair, an API key, or both; never shown."""

    access: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    api: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name, value in self.secrets.items():
            # A header with anything else is refused by a library that quotes it in its error.
            if not (value.isascii() and value.isprintable() and " " not in value and value):
                raise StudioError(f"{name} holds a character that no key has.", code="bad_settings")
        if bool(self.access) != bool(self.secret) or not self.secrets:
            raise StudioError(
                "Both keys of a pair or an API key are needed to sign.", code="bad_settings"
            )

    @classmethod
    def of(cls, settings: Settings) -> Keys:
        """Return the keys of the environment."""
        named = settings.kling_access_key, settings.kling_secret_key, settings.kling_api_key
        return cls(*(one.get_secret_value().strip() if one else None for one in named))

    @property
    def secrets(self) -> dict[str, str]:
        """The keys that are set by the names of their settings, for signing and for masking."""
        named = {
            "KLING_ACCESS_KEY": self.access,
            "KLING_SECRET_KEY": self.secret,
            "KLING_API_KEY": self.api,
        }
        return {name: value for name, value in named.items() if value is not None}


class KlingAuth(httpx.Auth):
    """Signs with a JWT where a pair of keys is set and the path is legacy, else with the API key.

    A create carries a token of its own, whose `exp` stands in the request's extension `expires`;
    reads share one for 1800 s. Claims are exactly iss, exp and nbf, HS256 (Kling docs,
    authentication, Sept 2026).
    """

    def __init__(self, keys: Keys, *, now: Callable[[], float] = time.time) -> None:
        self._keys, self._now = keys, now
        self._lock = threading.Lock()
        self._cached: tuple[int, str] | None = None

    @property
    def unfenced(self) -> bool:
        """Whether a create cannot be given an end, because only an API key is there to sign it."""
        return self._keys.access is None

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Put the header on; a 401 makes the shared token be signed anew for the next read."""
        legacy = "/v1/" in request.url.path
        if self._keys.api and (self.unfenced or not legacy):
            token = self._keys.api
        elif (expires := request.extensions.get("expires")) is not None:
            token = self.sign(expires)
        else:
            token = self._shared()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == 401:
            self._cached = None

    def sign(self, expires: int) -> str:
        """Return a token that ends at `expires`, Unix seconds."""
        claims = {"iss": self._keys.access, "exp": expires, "nbf": int(self._now()) - NOT_BEFORE}
        return jwt.encode(claims, self._keys.secret or "", algorithm="HS256")

    def _shared(self) -> str:
        with self._lock:
            now = self._now()
            cached = self._cached
            # A clock that was set back leaves a token that begins in the future.
            if cached is None or not now + RENEW_BEFORE < cached[0] <= now + TOKEN_LIFE:
                expires = int(now) + TOKEN_LIFE
                cached = self._cached = expires, self.sign(expires)
            return cached[1]
