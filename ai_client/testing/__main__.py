"""Run the upstream in the foreground: `python -m ai_client.testing --port 8080`."""

import argparse
import errno
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from ai_client.testing.server import Upstream


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; return the exit code."""
    options = _parser().parse_args(argv)
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    upstream = Upstream(host=options.host, port=options.port, delay=options.delay, record=False)
    try:
        upstream.start()
    except (OSError, OverflowError) as error:
        print(_explained(error, options.host, options.port), file=sys.stderr)  # noqa: T201 -- a command's output
        return 1
    print(f"Offline upstream at {upstream.base_url}", flush=True)  # noqa: T201 -- a command's output
    ended.wait()
    upstream.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ai_client.testing",
        description="An offline OpenAI-compatible API for tests and demos.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument(
        "--delay", type=float, default=0, help="seconds between streamed chunks (default: %(default)s)"
    )
    return parser


def _explained(error: OSError | OverflowError, host: str, port: int) -> str:
    if isinstance(error, OverflowError):
        return f"Port {port} does not exist. Choose one from 0 to 65535 with --port."
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is in use. Stop the process that uses it, or choose another with --port."
        )
    return f"Cannot listen on {host}, port {port}: {error.strerror or error}."


if __name__ == "__main__":
    sys.exit(main())
