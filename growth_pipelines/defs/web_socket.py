"""Where Dagster's web server listens: a unix socket that only the machine's own user may open.

Dagster's server has no log-in, and a port on loopback is open to every user and every web page of the machine. A
file has an owner; the console, which asks who is there, is the only way to it from outside.
"""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from pathlib import Path

from growth_pipelines.canonical import digest
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings

# Under which path the console serves Dagster; its own pages and scripts are told so.
PREFIX = "/dagster"
# Tells Dagster that whoever asks may change things; without it the UI is for reading only.
MAY_WRITE = "x-growth-may-write"
# The shortest limit among systems (macOS); Linux takes four bytes more.
_LONGEST = 103


def web_socket(settings: Settings) -> Path:
    """The socket's path: in the home, or in a folder of our own under the system's temporary one where the home's
    path is longer than a socket's may be."""
    path = settings.home.resolve() / "run" / "dagster" / "web.sock"
    if len(os.fsencode(path)) <= _LONGEST:
        return path
    folder = f"growth-{os.getuid()}-{digest(str(settings.home.resolve()))[:12]}"
    return Path(tempfile.gettempdir()) / folder / "web.sock"


def listen(path: Path) -> socket.socket:
    """A listening socket at ``path``, mode 0600 in a folder of mode 0700. Takes the place of one left behind.

    Raises GrowthError when the folder belongs to someone else.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = path.parent.lstat()
    if not stat.S_ISDIR(folder.st_mode) or folder.st_uid != os.getuid():
        raise GrowthError(f"{path.parent} is not a folder of our own.", "Remove it, or set another GROWTH_HOME.")
    path.parent.chmod(0o700)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(128)
    return listener
