"""The ids that Kling knows our tasks by."""

from __future__ import annotations

import hashlib
import hmac


def external_id(secret: str, job_id: str, step: int) -> str:
    """Return the id Kling knows a job's step by: the same after any crash, and with the mark of this installation."""
    return f"{installation_mark(secret)}{_digest(secret, f'{job_id}:{step}')[:16]}"


def installation_mark(secret: str) -> str:
    """Return how every external id of this installation begins, so that its tasks are told from another's."""
    return f"ks-{_digest(secret, 'installation')[:8]}"


def _digest(secret: str, text: str) -> str:
    return hmac.new(bytes.fromhex(secret), text.encode(), hashlib.sha256).hexdigest()
