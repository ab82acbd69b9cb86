"""Start the service on loopback, under each server, and try to stop it; prints a table.

    python -m tools.stress [--kinds sockets ...] [--servers uvicorn ...] [--model DIR]

Bounded in count and time, under ten minutes in all. The exit status is 1 when a bar is missed.
"""

import argparse
import importlib
import os
import sys
import tempfile
from pathlib import Path

from tools.servers import service
from tools.stress import Row, starts

KEY = "a-key-of-the-stress-test"

# Which loads which server gets, so that all of it takes less than ten minutes.
PLAN = {
    "uvicorn": ("sockets", "uploads"),
    "gunicorn": ("sockets", "voices"),
    "nginx": ("sockets",),
}


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.stress", description=__doc__)
    parser.add_argument("--servers", nargs="*", default=list(PLAN), choices=list(PLAN))
    parser.add_argument("--kinds", nargs="+", default=["sockets", "uploads", "voices", "starts"])
    parser.add_argument("--model", default="pretrained_models/CosyVoice-Mini-25Hz")
    arguments = parser.parse_args(argv)
    os.environ["API_KEY"] = KEY
    rows: list[Row] = []

    def report(server: str, new: list[Row]):
        for row in new:
            verdict = "ok " if row.ok else "BAD"
            print(f"{verdict} {server:8} {row.kind}: {row.measured} (bar: {row.bar})", flush=True)
        rows.extend(new)

    for server in arguments.servers:
        for kind in PLAN[server]:
            if kind in arguments.kinds:
                with tempfile.TemporaryDirectory() as folder:
                    with service(server, arguments.model, Path(folder)) as (url, pid):
                        module = importlib.import_module(f"tools.stress.{kind}")
                        report(server, module.run(url, pid))
    if "starts" in arguments.kinds:
        with tempfile.TemporaryDirectory() as folder:
            report("starts", starts.run(Path(folder)))
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
