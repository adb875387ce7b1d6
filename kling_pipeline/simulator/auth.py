"""Check signed tokens and API keys as the vendor does."""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass

import jwt
from starlette.requests import Request

from kling_pipeline.simulator.errors import ApiError
from kling_pipeline.simulator.options import Options

_NEEDS_API_KEY = (
    "Authentication error. The current API does not support AK/SK; please go to the console "
    "(https://kling.ai/dev/api-key) to create API key."
)


@dataclass(frozen=True)
class Credential:
    """The key or token of a request; `expires` is a token's end (Unix seconds), None for a key."""

    expires: float | None

    def check(self) -> None:
        """Raise ApiError 1004 if the token has expired meanwhile.

        A create is checked again at the moment its task is made, so that a delayed copy of a
        request can never be accepted after its `exp`.
        """
        if self.expires is not None and self.expires <= time.time():
            raise ApiError(1004)


def authenticate(request: Request, options: Options, *, v2: bool = False) -> Credential:
    """Check the Authorization header; raises ApiError 1000 to 1004.

    Source: Kling docs, authentication, Sept 2026; the two messages of 1002 were recorded live.
    """
    header = request.headers.get("authorization", "")
    if not header.strip():
        raise ApiError(1001)
    scheme, _, token = header.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise ApiError(1002)
    if hmac.compare_digest(token.encode(), options.api_key.encode()):
        return Credential(None)
    if v2:
        raise ApiError(1002, _NEEDS_API_KEY)
    return _read_token(token, options)


def _read_token(token: str, options: Options) -> Credential:
    dots = token.count(".")
    if dots != 2:
        # The decoder of the real service counts a string without dots as 0 parts.
        parts = {0: "0", 1: "2"}.get(dots, "> 3")
        raise ApiError(1002, f"The token was expected to have 3 parts, but got {parts}")
    try:
        claims = jwt.decode(
            token,
            options.secret_key,
            algorithms=["HS256"],
            options={"require": ["iss", "exp", "nbf"], "verify_aud": False},
        )
    except jwt.ExpiredSignatureError:
        raise ApiError(1004) from None
    except jwt.ImmatureSignatureError:
        raise ApiError(1003) from None
    except jwt.MissingRequiredClaimError as error:
        raise ApiError(1000, f"Authentication failed: {error.claim} is missing") from None
    except jwt.InvalidTokenError:
        raise ApiError(1002) from None
    if claims["iss"] != options.access_key:
        raise ApiError(1002, "Authorization is invalid: access key not found")
    return Credential(float(claims["exp"]))
