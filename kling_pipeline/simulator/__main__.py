"""Start a simulator without the engine: `python -m kling_pipeline.simulator`."""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from pathlib import Path

from kling_pipeline.simulator import Options, serve


def main() -> None:
    """Read the arguments and serve."""
    defaults = Options()
    parser = argparse.ArgumentParser(prog="python -m kling_pipeline.simulator")
    parser.add_argument("--port", type=int, default=0, help="0: chosen by the system")
    parser.add_argument("--speed", type=float, default=1.0, help="at 1 a video takes 60 s")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--contract", choices=["vendor", "brief"], default="vendor")
    parser.add_argument("--media", choices=["drawn", "plain"], default="drawn")
    for name in ("state", "faults", "rules", "port-file"):
        parser.add_argument(f"--{name}", type=Path)
    for name in ("access-key", "secret-key", "api-key", "webhook-secret"):
        parser.add_argument(f"--{name}", default=getattr(defaults, name.replace("-", "_")))
    parser.add_argument(
        "--with-parent", dest="parent_pipe", action="store_true", help="end with standard input"
    )
    parser.add_argument(
        "--keys-on-stdin",
        action="store_true",
        help='a first line {"access_key": …, "secret_key": …}, which no process list shows',
    )
    parser.add_argument(
        "--model", dest="model_states", action="append", default=[], metavar="NAME=STATE"
    )
    parser.add_argument("--slots", action="append", default=[], metavar="POOL=N")
    chosen = vars(parser.parse_args())
    chosen["slots"] = {
        pool: int(count) for pool, count in (one.split("=", 1) for one in chosen["slots"])
    }
    chosen["model_states"] = dict(one.split("=", 1) for one in chosen["model_states"])
    if chosen.pop("keys_on_stdin"):
        chosen |= json.loads(sys.stdin.buffer.readline())
    try:
        serve(Options(**chosen))
    except (OSError, sqlite3.Error) as error:
        sys.exit(f"The simulator cannot start: {error}.")


if __name__ == "__main__":
    main()
