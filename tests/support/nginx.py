"""nginx before another server."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.waiting import until

PATH = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
CONFIGURATION = """
daemon off;
{user}
pid {folder}/pid;
error_log {folder}/errors;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream behind {{
    server {address};
    keepalive 64;
  }}
  server {{
    listen 127.0.0.1:{port};
    proxy_set_header Host $http_host;
    {directives}
    location / {{ proxy_pass http://behind; }}
  }}
}}
"""


class Nginx:
    """A running nginx.

    Attributes:
        url: Its address.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, errors: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._process = process
        self._errors = errors

    @property
    def base_url(self) -> str:
        """The address to give to a client."""
        return f"{self.url}/v1"

    @property
    def log(self) -> str:
        """The errors that it has logged."""
        return self._errors.read_text()

    def reload(self) -> None:
        """Have new workers serve, and the old ones close their idle connections and end."""
        before = self._workers()
        self._process.send_signal(signal.SIGHUP)
        until(lambda: self._workers() and not self._workers() & before)

    def _workers(self) -> set[str]:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return set(children.read_text().split())


@contextmanager
def behind_nginx(target: str, folder: Path, directives: str = "") -> Iterator[Nginx]:
    """Run nginx before *target*, an address like `http://127.0.0.1:80`, and end it after the block.

    Args:
        target: What answers.
        folder: Where nginx keeps its files.
        directives: What else its server is told; without them it buffers and closes each connection to *target*.
    """
    if PATH is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    port = free_port()
    configuration = folder / "nginx.conf"
    text = CONFIGURATION.format(
        folder=folder,
        port=port,
        address=target.removeprefix("http://"),
        directives=directives,
        user="user root;" if os.geteuid() == 0 else "",  # whom the folder belongs to
    )
    configuration.write_text(text)
    errors = folder / "errors"
    process = subprocess.Popen([PATH, "-p", folder, "-c", configuration, "-e", errors])
    try:
        until(lambda: _listens(port) or process.poll() is not None)
        assert process.poll() is None, errors.read_text()
        yield Nginx(process, port, errors)
    finally:
        process.terminate()
        process.wait(30)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True
