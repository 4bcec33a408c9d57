"""`python -m tests.support.run_mod_wsgi DIRECTORY MODULE:NAME ...`: Apache with mod_wsgi in daemon mode."""

import os
import sys
from pathlib import Path

from mod_wsgi.express.cli import main  # type: ignore[import-untyped]

USER, GROUP = "nobody", "nogroup"
"""Apache serves as no superuser, but this one reads the files of whoever runs the tests."""
AS_USER = (
    *("setpriv", "--reuid", USER, "--regid", GROUP, "--clear-groups"),
    *("--inh-caps", "+dac_override", "--ambient-caps", "+dac_override"),
)


def start(directory: str, application: str, *options: str) -> None:
    """Become Apache, whose configuration and sockets are in *directory*."""
    module, _, name = application.partition(":")
    sys.argv = [
        *("mod_wsgi-express", "start-server", "--application-type", "module", module),
        *("--callable-object", name, "--working-directory", str(Path.cwd()), "--server-root", directory),
        *("--log-to-terminal", "--host", "127.0.0.1", *options),
    ]
    main()


if __name__ == "__main__":
    if os.getuid():
        start(*sys.argv[1:])
    else:
        os.execvp(AS_USER[0], [*AS_USER, sys.executable, "-m", "tests.support.run_mod_wsgi", *sys.argv[1:]])  # noqa: S606
