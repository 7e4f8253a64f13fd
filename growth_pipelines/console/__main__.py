"""``python -m growth_pipelines.console``: serve the console until SIGTERM."""

from __future__ import annotations

import gc
import sys
from threading import Timer

import uvicorn

from growth_pipelines.console.app import create_app
from growth_pipelines.console.dagster_ui.old_port import old_port
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import load_settings
from growth_pipelines.telemetry import configure_logging

_LOADED_SECONDS = 20.0


def settle() -> None:
    """Spare the collector what is loaded by now and stays: a look at all of it stops every page for 0.2 s."""
    gc.collect()
    gc.freeze()


def main() -> int:
    """Serve. An expected failure is one clear line and exit code 1."""
    try:
        settings = load_settings()
        configure_logging(settings.home / "logs", settings.log_level)
        app = create_app(settings)
    except GrowthError as error:
        sys.stderr.write(f"growth: {error}\n")
        return 1
    settle()
    # The first pages load what else they draw with.
    later = Timer(_LOADED_SECONDS, settle)
    later.daemon = True
    later.start()
    with old_port(settings):
        uvicorn.run(
            app,
            host=settings.console.host,
            port=settings.console.port,
            log_level="warning",
            # Our own request log leaves the query out, which may hold a one-time link's token.
            access_log=False,
            # Whom to believe about the client is in our settings, not in uvicorn's.
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
