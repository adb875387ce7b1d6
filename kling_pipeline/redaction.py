"""What is never written down: tokens, keys, and the signed part of a link."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from kling_pipeline.settings import Settings

__all__ = ["RedactFilter", "install_redaction", "mask"]

MASK = "***"

_BEARER = re.compile(r"(?i)\b(bearer)\s+(?!%|\*\*\*)[^\s'\",;]+")
_TOKEN = re.compile(r"eyJ[\w-]{5,}(?:\.[\w-]*){0,2}")
# A signature has no name of its own on the many hosts that hold results, but it is never short.
_SIGNED = re.compile(r"([?&][\w.~%-]+)=[^&\s'\"<>*]{8,}")


def mask(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text without tokens, without the given secrets and without long query values."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    text = _BEARER.sub(rf"\1 {MASK}", text)
    text = _TOKEN.sub(MASK, text)
    return _SIGNED.sub(rf"\1={MASK}", text)


class RedactFilter(logging.Filter):
    """Masks what a log record would write; it belongs on every handler, since a logger's own filter
    does not see what its children pass up. `secrets` are the configured key values."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._secrets = tuple(secret for secret in secrets if len(secret) >= 4)

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record pass, masked."""
        if isinstance(record.args, Mapping):
            record.args = {name: self._argument(value) for name, value in record.args.items()}
        elif record.args:
            record.args = tuple(self._argument(value) for value in record.args)
        text = record.getMessage()
        clean = mask(text, self._secrets)
        if clean != text:
            record.msg, record.args = clean, ()
        if record.exc_info:
            # The formatter takes a text that is already there in place of the traceback.
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = mask(record.exc_text, self._secrets)
        if record.stack_info:
            record.stack_info = mask(record.stack_info, self._secrets)
        return True

    def _argument(self, value: Any) -> Any:
        if value is None or isinstance(value, int | float):
            return value
        text = str(value)
        clean = mask(text, self._secrets)
        return value if clean == text else clean


def install_redaction(settings: Settings) -> None:
    """Put the filter on every handler of the root logger, with the configured keys."""
    keys = (
        settings.kling_access_key,
        settings.kling_secret_key,
        settings.kling_api_key,
        settings.kling_webhook_secret,
    )
    secrets = [key.get_secret_value() for key in keys if key is not None]
    for proxy in (settings.https_proxy, settings.all_proxy):
        if proxy is not None and (password := urlsplit(proxy.get_secret_value()).password):
            secrets += {password, unquote(password)}
    redact = RedactFilter(secrets)
    for handler in logging.getLogger().handlers:
        handler.addFilter(redact)
