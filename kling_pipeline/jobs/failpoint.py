"""Named lines at which a test may end the process: STUDIO_FAILPOINT=name:n ends it at the n-th pass."""

from __future__ import annotations

import os
import threading

_lock = threading.Lock()
_passes: dict[str, int] = {}


def failpoint(name: str) -> None:
    """End the process as `kill -9` would when this line was named; else do nothing."""
    wanted = os.environ.get("STUDIO_FAILPOINT")
    if not wanted:
        return
    target, _, count = wanted.partition(":")
    if target != name:
        return
    with _lock:
        _passes[name] = _passes.get(name, 0) + 1
        if _passes[name] >= int(count or 1):
            os._exit(137)
