"""`python -m tests.support.run_uwsgi ...`: uWSGI in this interpreter, with its arguments."""

import sys

import pyuwsgi  # type: ignore[import-not-found]

if __name__ == "__main__":
    pyuwsgi.run(
        [*sys.argv[1:], "--need-app", "--die-on-term", "--enable-threads", "--worker-reload-mercy", "15"]
    )
