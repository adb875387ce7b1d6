"""For the scripts beside it: the project's own Python, made first where it is missing."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def enter() -> None:
    """Begins the script again in `.venv`, unless the Python at hand has what the project needs."""
    if all(importlib.util.find_spec(name) for name in ("starlette", "av", "pytest")):
        return
    subprocess.run(["bash", "-c", "source scripts/setup.sh; need_tools"], cwd=ROOT, check=True)
    python = str(ROOT / ".venv" / "bin" / "python")
    os.execv(python, [python, *sys.argv])
