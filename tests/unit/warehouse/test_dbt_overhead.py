"""What is replaced in dbt gives what dbt's own functions give: both run here, the one after the other."""

from __future__ import annotations

import subprocess
import sys

BOTH = """
import datetime
from types import SimpleNamespace

import pytest
from dbt.clients.jinja import MacroStack, get_rendered
from dbt.context.macros import MacroNamespaceBuilder
from dbt.events.types import MainReportVersion, NodeFinished, NodeStart
from dbt_common.clients import agate_helper
from dbt_common.events.base_types import EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.types import Note
from dbt_common.exceptions import CompilationError
from dbt_common.exceptions.events import EventCompilationError

from growth_pipelines.warehouse.dbt_overhead import spare_dbt_overhead

# Names that are in several packages, and one that is a package's too.
PACKAGES = {
    "growth": ["one", "cents"],
    "other": ["one", "two", "growth"],
    "more": ["two", "three"],
    "dbt": ["one", "two", "three", "four"],
    "dbt_duckdb": ["four", "five", "cents"],
}
ROWS = [
    {"text": "005", "day": datetime.date(2026, 1, 2), "n": 3, "share": 0.5, "flag": True, "none": None},
    {"text": "null", "day": None, "n": 4, "share": None, "flag": False, "none": None},
]


def macros():
    by_package = {
        package: {n: SimpleNamespace(package_name=package, name=n, unique_id=f"{package}.{n}") for n in names}
        for package, names in PACKAGES.items()
    }
    found = {}
    for search in ("growth", "other", "dbt"):
        context = {}
        builder = MacroNamespaceBuilder("growth", search, MacroStack(), ["dbt_duckdb", "dbt"], "the node")
        namespace = builder.build_namespace(by_package, context)
        context.update(namespace)
        for name, each in context.items():
            if isinstance(each, dict):
                found[search, name] = sorted((key, macro.macro.unique_id) for key, macro in each.items())
            else:
                assert each.context is context and each.node == "the node" and each.stack is builder.thread_ctx
                found[search, name] = each.macro.unique_id
        found[search] = namespace.get("six"), len(namespace), sorted(namespace)
        found[search, "by name"] = namespace.get_from_package(None, "four").macro.unique_id
        found[search, "by package"] = namespace.get_from_package("other", "two").macro.unique_id
    return found


def tables():
    table = agate_helper.table_from_data_flat(ROWS, ROWS[0])
    empty = agate_helper.empty_table()
    types = [type(one).__name__ for one in table.column_types]
    return types, [tuple(row) for row in table.rows], len(empty.rows), empty.column_names


def templates():
    texts = ["{{ n + 1 }}", "{{ [n, 'x'] }}", "{% do found.append(n) %}{{ found | length }}", "no {{ n }}"]
    return [
        get_rendered(text, {"n": n, "found": []}, native=native)
        for text in texts
        for native in (False, True)
        for n in (1, 2)
    ]


def events():
    manager, heard = EventManager(), []
    manager.callbacks.append(lambda message: heard.append((message.info.name, message.info.level)))
    manager.fire_event(NodeFinished(node_info={"node_name": "fct_orders"}))
    manager.fire_event(Note(msg="look out"), level=EventLevel.WARN)
    manager.fire_event(Note(msg="broken"), level=EventLevel.ERROR)
    manager.warn_error = True
    with pytest.raises(EventCompilationError, match="an error now"):
        manager.fire_event(Note(msg="an error now"), level=EventLevel.WARN, force_warn_or_error_handling=True)
    return heard


def quiet():
    heard, manager = [], EventManager()
    manager.callbacks.append(lambda message: heard.append(message.info.name))
    manager.fire_event(NodeStart(node_info={"node_name": "fct_orders"}))
    manager.fire_event(MainReportVersion(version="1", log_version=3))
    return heard


before = macros(), tables(), templates(), events()
assert quiet() == ["NodeStart", "MainReportVersion"]
spare_dbt_overhead()
assert (macros(), tables(), templates(), events()) == before
assert quiet() == []
with pytest.raises(CompilationError):
    get_rendered("{{ n", {})
event = Note(msg=7)
assert (event.msg, event.to_dict()) == ("7", {"msg": "7"})
event.msg = "8"
assert event.message() == "8"
"""


def test_macros_tables_texts_and_messages_are_the_same_and_only_unread_messages_are_not_made() -> None:
    done = subprocess.run([sys.executable, "-c", BOTH], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
