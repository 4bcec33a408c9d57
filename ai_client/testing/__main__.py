"""Run the upstream in the foreground: `python -m ai_client.testing --port 8080`."""

import argparse
import sys
from collections.abc import Sequence

from ai_client.testing.foreground import UnservedError, add_arguments, serve


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m ai_client.testing",
        description="An offline OpenAI-compatible API for tests and demos.",
    )
    add_arguments(parser)
    try:
        serve(parser.parse_args(argv), lambda line: print(line, flush=True))  # noqa: T201 -- a command's output
    except UnservedError as error:
        print(error, file=sys.stderr)  # noqa: T201 -- a command's output
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
