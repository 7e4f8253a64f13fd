"""docs/adding-a-source.md tells the truth: its code, put where it says, reads what it says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from graphql import NoDeprecatedCustomRule, parse, specified_rules, validate

from growth_pipelines.settings import load_settings
from growth_pipelines.warehouse.database import Warehouse
from tests.unit.ingestion.test_documents import schema

pytestmark = pytest.mark.slow  # each run is a process
ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "adding-a-source.md"
BLOCKS: dict[str, tuple[str, str]] = {
    path: (kind, text)
    for path, kind, text in re.findall(
        r"^\*\*`([^`]+)`\*\*\n\n```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
}


def added(diff: str, text: str) -> str:
    """``text`` with the lines that ``diff`` adds around the lines that it quotes."""
    for hunk in re.split(r"^@@.*@@\n", diff, flags=re.MULTILINE)[1:]:
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] if line != "\n" else line for line in lines if not line.startswith("+"))
        assert text.count(before) == 1, before
        text = text.replace(before, "".join(line[1:] if line != "\n" else line for line in lines))
    return text


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with everything that the page adds to it."""
    root = tmp_path_factory.mktemp("tree")
    ignored = shutil.ignore_patterns("sandbox", "__pycache__")
    shutil.copytree(ROOT / "growth_pipelines", root / "growth_pipelines", ignore=ignored)
    for path, (kind, text) in BLOCKS.items():
        target = root / path
        assert target.exists() == (kind == "diff"), path
        target.write_text(added(text, target.read_text()) if kind == "diff" else text)
    return root


Grow = Callable[..., Any]


@pytest.fixture
def grow(tree: Path, tmp_path: Path) -> Grow:
    """``growth …`` of the copy, as JSON: ``grow("ingest", "locations", GROWTH_…="…")``."""

    def run(*arguments: str, **environment: str) -> Any:
        given = {
            "GROWTH_HOME": str(tmp_path / "home"),
            "GROWTH_SHOP__DOMAIN": "hot-rod-parts.myshopify.com",
            "GROWTH_NOW": "2026-11-22T12:00:00+00:00",
            **environment,
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GROWTH_")}
        done = subprocess.run(
            [sys.executable, "-m", "growth_pipelines", *arguments, "--json"],
            env={**clean, **given, "PYTHONPATH": str(tree)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def raw(home: Path, database: dict[str, str], query: str) -> list[tuple[Any, ...]]:
    settings = load_settings({"GROWTH_HOME": str(home), "GROWTH_SHOP__DOMAIN": "x.example", **database})
    with Warehouse.of(settings).write() as connection:
        return list(connection.execute(query).fetchall())


def test_the_page_has_all_of_its_examples() -> None:
    assert [Path(path).name for path in BLOCKS] == [
        *("locations.graphql", "locations.py", "settings.py", "reviews.py", "reviews.py", "suppliers.py")
    ]


def test_the_document_of_the_page_is_valid() -> None:
    for kind, text in BLOCKS.values():
        if kind == "graphql":
            assert validate(schema(), parse(text), [*specified_rules, NoDeprecatedCustomRule]) == []


def test_the_code_of_the_page_passes_the_linter(tree: Path) -> None:
    paths = [str(tree / path) for path, (kind, _) in BLOCKS.items() if kind == "python"]
    for command in (["check"], ["format", "--check"]):
        subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--config", str(ROOT / "pyproject.toml"), *paths], check=True
        )


def test_locations_are_read_from_the_sandbox(
    grow: Grow, small_shop: Any, tmp_path: Path, database: dict[str, str]
) -> None:
    environment = small_shop.environment(tmp_path / "home", **database)
    first = grow("ingest", "locations", **environment)
    assert [result["rows"] for result in first if result["stream"] == "locations"] == [{"locations": 2}]
    query = (
        "select locations.*, (select count(*) from raw.inventory_levels as levels"
        " where levels.location_id = locations.location_id) as levels from raw.locations as locations"
        " order by location_id"
    )
    grow("ingest", "inventory", "locations", **environment)
    rows = raw(tmp_path / "home", database, query)
    assert len(rows) == 2
    assert all(row[1].startswith("gid://shopify/Location/") and row[3] is True and row[-1] > 0 for row in rows)
    (status,) = [row for row in grow("ingest", "status", **environment) if row["stream"] == "locations"]
    assert (status["status"], status["late"], status["unknown_fields"]) == ("loaded", False, {})


@dataclass
class Reviews:
    """The reviews' API: pages of two, newest change last."""

    records: list[dict[str, Any]]
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    refusals: int = 1
    cut: bool = False
    address: str = ""

    def answer(self, path: str, authorization: str | None) -> tuple[int, dict[str, Any]]:
        if authorization != "Bearer secret":
            return 401, {}
        if self.refusals:
            self.refusals -= 1
            return 429, {}
        asked = parse_qs(urlsplit(path).query)
        self.asked.append(asked)
        found = [r for r in self.records if r["updated_at"] >= asked.get("since", [""])[0]]
        start = [r["id"] for r in found].index(asked["after"][0]) + 1 if "after" in asked else 0
        page = found[start : start + 2]
        more = start + 2 < len(found) and not self.cut
        return 200, {"reviews": page, "total": len(found), "next": page[-1]["id"] if more else None}


@pytest.fixture
def reviews() -> Iterator[Reviews]:
    author = {"name": "Ada", "email": "ada@example.com"}
    shop = Reviews(
        [
            {
                "id": f"r{n}",
                "product": {"id": "gid://shopify/Product/1"},
                "stars": n,
                "author": author,
                "answers": [{"text": "Thanks", "email": "staff@example.com"}],
                "updated_at": f"2026-11-2{n}T00:00:00Z",
            }
            for n in range(3)
        ]
    )

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = shop.answer(self.path, self.headers["Authorization"])
            payload = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            if status == 429:
                self.send_header("Retry-After", "0.1")
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shop.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield shop
    server.shutdown()
    server.server_close()
    thread.join()


def test_reviews_are_read_from_a_new_source(grow: Grow, reviews: Reviews, tmp_path: Path) -> None:
    environment = {
        "GROWTH_REVIEWS__BASE_URL": reviews.address,
        "GROWTH_REVIEWS__TOKEN": "secret",
        "GROWTH_REVIEWS__PER_MINUTE": "6000",
    }
    query = "select review_id, product_id, stars, answers from raw.reviews order by review_id"
    (first,) = grow("ingest", "reviews", **environment)
    assert (first["rows"], first["throttled"], first["requests"]) == ({"reviews": 3}, 1, 3)
    product, answers = "gid://shopify/Product/1", '[{"text":"Thanks"}]'
    assert raw(tmp_path / "home", {}, query) == [(f"r{n}", product, n, answers) for n in range(3)]

    later = environment | {"GROWTH_NOW": "2026-11-23T12:00:00+00:00"}
    del reviews.records[0]
    reviews.records.append(reviews.records[0] | {"id": "r9", "stars": 4, "updated_at": "2026-11-23T00:00:00Z"})
    (second,) = grow("ingest", "reviews", **later)
    assert reviews.asked[-1] == {"since": ["2026-11-22T11:00:00Z"]}
    assert second["rows"] == {"reviews": 1}
    assert [row[0] for row in raw(tmp_path / "home", {}, query)] == ["r0", "r1", "r2", "r9"]
    grow("ingest", "reviews", "--full", **later)  # a sweep finds what was deleted
    assert [row[0] for row in raw(tmp_path / "home", {}, query)] == ["r1", "r2", "r9"]

    reviews.cut = True
    with pytest.raises(AssertionError, match="3 reviews are there and 2 came"):
        grow("ingest", "reviews", "--full", **later)
    assert len(raw(tmp_path / "home", {}, query)) == 3
    files = [path.read_bytes() for path in (tmp_path / "home" / "landing" / "reviews").iterdir()]
    assert len(files) == 6  # three runs that ended well, each with its manifest


def test_prices_are_read_through_dlt(grow: Grow, tmp_path: Path) -> None:
    if "CI" not in os.environ:
        pytest.importorskip("dlt", reason="the extra dlt is not installed")
    (first,) = grow("ingest", "supplier_prices")
    assert first["rows"] == {"supplier_prices": 42}
    (second,) = grow("ingest", "supplier_prices", GROWTH_NOW="2026-11-22T13:00:00+00:00")
    assert second["rows"] == {"supplier_prices": 0}
    query = "select count(*), min(terms), max(terms), max(updated_at)::varchar from raw.supplier_prices"
    terms = '{"days":30,"contact":{}}'
    assert raw(tmp_path / "home", {}, query) == [(42, terms, terms, "2026-11-21 08:00:00")]
