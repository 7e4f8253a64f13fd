"""All that the console serves, as its router lists it, also what is mounted into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Mount

from growth_pipelines.console.app import create_app
from tests.console_shop import ConsoleShop


@dataclass(frozen=True)
class Served:
    """One method at one path, with the query parameters that it reads; ``is_own``: no other app's."""

    method: str
    path: str
    query: tuple[str, ...] = ()
    is_own: bool = True

    @property
    def changes(self) -> bool:
        return self.method not in ("GET", "HEAD", "OPTIONS")


def served_by(app: FastAPI) -> list[Served]:
    """Every method of every route. Of another app that is mounted or routed to: GET and POST of its root."""
    found: list[Served] = []

    def walk(routes: list[Any], prefix: str) -> None:
        for route in routes:
            if isinstance(route, APIRoute):
                query = tuple(_queries(route.dependant))
                found.extend(Served(method, prefix + route.path, query) for method in sorted(route.methods))
            elif hasattr(route, "original_router"):
                walk(route.original_router.routes, prefix + route.include_context.prefix)
            elif isinstance(route, Mount) and hasattr(route.app, "routes") and route.app.routes:
                walk(route.app.routes, prefix + route.path)
            else:
                path = prefix + route.path + ("/" if isinstance(route, Mount) else "")
                methods = sorted(getattr(route, "methods", None) or ("GET", "POST"))
                found.extend(Served(method, path, (), is_own=False) for method in methods)

    walk(app.routes, "")
    return found


def _queries(dependant: Any) -> list[str]:
    """The names of the query parameters of a route, also of what it depends on."""
    inner = [name for one in dependant.dependencies for name in _queries(one)]
    return [*(field.alias for field in dependant.query_params), *inner]


def every_route(shop: ConsoleShop) -> list[tuple[str, str]]:
    """(method, path) of all that the console of this shop serves, but mounted apps."""
    return [(one.method, one.path) for one in served_by(create_app(shop.settings)) if one.is_own]
