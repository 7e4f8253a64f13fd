"""``python -m growth_pipelines.sandbox``: start a made-up shop on loopback.

Prints one JSON line when it is ready: {"ready": true, "base_url": "http://127.0.0.1:PORT"}.
"""

from __future__ import annotations

import argparse
import gc
import json
import signal
import sys
import threading
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from growth_pipelines.sandbox import options as facts
from growth_pipelines.sandbox.faults import FaultPlanError, Faults, read_plan
from growth_pipelines.sandbox.options import Options


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="growth sandbox", description="Serve a made-up shop on loopback.")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 = a free one")
    parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same shop")
    parser.add_argument("--orders", type=int, default=5000)
    parser.add_argument("--products", type=int, default=300)
    parser.add_argument("--months", type=int, default=24, help="months of history")
    parser.add_argument("--healthy", action="store_true", help="plant nothing")
    parser.add_argument("--faults", type=Path, help="JSON file with planned failures")
    parser.add_argument("--fault-rate", type=float, default=0.0, help="part of all requests that fail at random")
    parser.add_argument("--fault-seed", type=int, default=0, help="the same seed fails in the same way")
    parser.add_argument("--limits", choices=("generous", "real"), default="generous", help="API limits")
    parser.add_argument("--today", type=date.fromisoformat, help="the shop's day; default: the real one")
    parser.add_argument("--truth", type=Path, help="where to write what is planted")
    parser.add_argument(
        "--without-scope", action="append", default=[], metavar="SCOPE", help="a scope the app lacks"
    )
    return parser.parse_args()


def main() -> int:
    """Build the shop, serve it until SIGTERM or Ctrl-C."""
    given = _arguments()
    unknown = set(given.without_scope) - set(facts.SCOPES)
    if unknown:
        sys.exit(f"growth sandbox: --without-scope {unknown.pop()}: known are {', '.join(facts.SCOPES)}")
    try:
        faults = Faults(read_plan(given.faults) if given.faults else [], given.fault_rate, given.fault_seed)
    except FaultPlanError as error:
        sys.exit(f"growth sandbox: {error}")
    options = Options(
        today=given.today or datetime.now(ZoneInfo(facts.TIMEZONE)).date(),
        seed=given.seed,
        orders=given.orders,
        products=given.products,
        months=given.months,
        healthy=given.healthy,
        limits=given.limits,
        missing_scopes=tuple(given.without_scope),
    )
    from growth_pipelines.sandbox.routes import Routes
    from growth_pipelines.sandbox.server import SandboxServer
    from growth_pipelines.sandbox.world import Shop

    routes = Routes(Shop(options), given.truth, faults)
    routes.write_truth()
    gc.freeze()  # the shop lives as long as the process: the collector need not look at it again
    server = SandboxServer(given.port, routes)

    def stop(number: int, frame: object) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    sys.stdout.write(json.dumps({"ready": True, "base_url": server.base_url}) + "\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
