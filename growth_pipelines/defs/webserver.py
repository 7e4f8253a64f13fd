"""``python -m growth_pipelines.defs.webserver``: Dagster's web server on a unix socket, until SIGTERM.

The stock command listens on a port, for everyone who reaches it. Here the console stands in front: it knows who
asks, and says with each request whether they may change things (see ``web_socket``).
"""

from __future__ import annotations

import signal
import sys
from typing import Any

import uvicorn
from dagster import DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.version import __version__
from dagster_webserver.webserver import DagsterWebserver
from starlette.requests import HTTPConnection

from growth_pipelines.defs.instance import dagster_home, open_instance
from growth_pipelines.defs.web_socket import MAY_WRITE, PREFIX, listen, web_socket
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings, load_settings

# The stock server's own values.
_STATEMENT_TIMEOUT_MS, _POOL_RECYCLE_SECONDS, _POOL_OVERFLOW = 15_000, 3_600, 20
_POLL_MS = 2_000


class _Webserver(DagsterWebserver[Any, Any]):
    """Everything is read-only unless the console vouches for the person."""

    def _make_request_context(self, conn: HTTPConnection) -> Any:
        context = super()._make_request_context(conn)
        # Made anew for each request, so this concerns nobody else. There is no public way.
        context._read_only = conn.headers.get(MAY_WRITE) != "1"
        return context


def serve(settings: Settings, instance: DagsterInstance) -> None:
    """Load the definitions and answer on the socket; returns when a signal ends it."""
    instance.optimize_for_webserver(_STATEMENT_TIMEOUT_MS, _POOL_RECYCLE_SECONDS, _POOL_OVERFLOW)
    workspace = WorkspaceFileTarget([str(dagster_home(settings) / "workspace.yaml")])
    with WorkspaceProcessContext(instance, workspace, version=__version__) as context:
        app = _Webserver(context, PREFIX, _POLL_MS).create_asgi_app()
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=3
        )
        with listen(web_socket(settings)) as listener:
            uvicorn.Server(config).run(sockets=[listener])


def main() -> int:
    """Serve. An expected failure is one clear line and exit code 1."""
    # uvicorn sends itself the signal again when it has stopped; the code server has to be stopped after that.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        settings = load_settings()
        with open_instance(settings) as instance:
            serve(settings, instance)
    except KeyboardInterrupt:
        return 0
    except GrowthError as error:
        sys.stderr.write(f"growth: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
