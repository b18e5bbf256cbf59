"""A tiny service for the supervisor's tests: it answers GET /health/ready, and misbehaves as it is told.

`stand_in.py [BEHAVIOUR]`; a behaviour is one of: dies, slow_to_stop, ignores_term, has_child.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health/ready" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        """Requests are no news here."""


def main() -> None:
    behaviour = sys.argv[1] if len(sys.argv) > 1 else ""
    name = os.environ["PERENNIAL_SERVICE"]
    if behaviour == "dies":
        print(f"{name} dies", flush=True)
        sys.exit(3)
    if behaviour == "has_child":
        child = subprocess.Popen(["sleep", "300"])
        print(f"child {child.pid}", flush=True)
    server = ThreadingHTTPServer(
        (os.environ["PERENNIAL_HOST"], int(os.environ["PERENNIAL_PORT"])), Health
    )

    def end(number: int, frame: FrameType | None) -> None:
        if behaviour == "slow_to_stop":
            time.sleep(1.0)
        print(f"{name} drained", flush=True)
        threading.Thread(target=server.shutdown).start()

    ignored = behaviour == "ignores_term"
    signal.signal(signal.SIGTERM, signal.SIG_IGN if ignored else end)
    print(f"{name} serves", flush=True)
    server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main()
