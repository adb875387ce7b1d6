"""Kling's signed callbacks, taken as a hint to look now."""

from __future__ import annotations

from collections.abc import Mapping

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from kling_pipeline.errors import InputError
from kling_pipeline.jobs.engine import Engine


def verify_signature(secret: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Standard Webhooks (Kling docs, callbacks, Aug 2026); InputError when missing, wrong or over 5 minutes old."""
    try:
        Webhook(secret).verify(body, dict(headers))
    except (WebhookVerificationError, ValueError):
        raise InputError("This callback is not signed by Kling.", code="bad_signature") from None


def poll_soon(engine: Engine, task_id: str) -> None:
    """Somebody says this task has news: it is asked for at the next tick, and no more than that."""
    now = engine.now()
    engine.store.write(
        lambda db: db.execute(
            "UPDATE job SET next_at = ? WHERE provider_task_id = ? AND state = 'running' AND next_at > ?",
            [now, task_id, now],
        )
    )
