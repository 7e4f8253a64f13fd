"""Work that dbt does again for every node and whose outcome is the same or unread: done once or not at all.

A node costs dbt 30 to 40 ms besides its SQL, and a build has over four hundred. A third of that are messages for
logs that are switched off, every macro under its name in one dictionary after another, the types of tables that
hold one number, and templates that were compiled before. What is replaced here are a few functions of dbt-core
1.11, with the same results; ``pyproject.toml`` holds dbt to that version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, KeysView
from functools import cache, cached_property
from typing import Any

# A build has about a thousand.
_TEMPLATES_KEPT = 5000


@cache
def spare_dbt_overhead() -> None:
    """Replace them in this process."""
    _messages_only_when_read()
    _macros_flattened_once()
    _types_of_columns_made_once()
    _templates_compiled_once()


def _messages_only_when_read() -> None:
    """Events become protobuf messages twice, though most are for a debug log that nobody writes."""
    from dbt_common.events.base_types import BaseEvent, EventLevel
    from dbt_common.events.event_manager import EventManager

    fill: Callable[..., None] = BaseEvent.__init__
    fire: Callable[..., None] = EventManager.fire_event

    def keep(event: Any, *args: Any, **values: Any) -> None:
        event.__dict__["_given"] = (args, values)

    def message(event: Any) -> Any:
        args, values = event.__dict__["_given"]
        fill(event, *args, **values)
        return event.__dict__["pb_msg"]

    def fire_if_read(
        manager: Any,
        e: Any,
        level: Any = None,
        node: Any = None,
        force_warn_or_error_handling: bool = False,
    ) -> None:
        quiet = (level or e.level_tag()) in (EventLevel.DEBUG, EventLevel.INFO, EventLevel.TEST)
        # A build's caller hears of nodes that have ended; dbt itself listens to warnings only.
        if manager.loggers or force_warn_or_error_handling or not quiet or type(e).__name__ == "NodeFinished":
            fire(manager, e, level, node, force_warn_or_error_handling)

    _replace(BaseEvent, pb_msg=_once("pb_msg", message), __init__=keep)
    _replace(EventManager, fire_event=fire_if_read)


def _macros_flattened_once() -> None:
    """Each of a node's two to three contexts gets all six hundred macros, each sought in five places."""
    from dbt.clients.jinja import MacroGenerator
    from dbt.context.macros import GLOBAL_PROJECT_NAME, MacroNamespace, MacroNamespaceBuilder

    def flat(namespace: Any) -> dict[str, Any]:
        """What is found first wins: the last that is written here."""
        return {
            **namespace.global_project_namespace,
            GLOBAL_PROJECT_NAME: namespace.global_project_namespace,
            **namespace.packages,
            **namespace.global_namespace,
            **namespace.local_namespace,
        }

    def keys(namespace: Any) -> KeysView[str]:
        return namespace.flat.keys()

    def get(namespace: Any, key: str) -> Any:
        return namespace.flat[key]

    def add(builder: Any, macros: Iterable[Any], ctx: dict[str, Any]) -> None:
        """All macros of a package."""
        made, node, stack = {}, builder.node, builder.thread_ctx
        for macro in macros:
            # Without a call of each class's __init__: there are half a million in a build.
            generator = MacroGenerator.__new__(MacroGenerator)
            generator.context, generator.macro = ctx, macro
            generator.node, generator.stack = node, stack
            made[macro.name] = generator
            package = macro.package_name
        if not made:
            return
        internal = package in builder.internal_package_names
        (builder.internal_packages if internal else builder.packages)[package] = made
        if not internal and package == builder.search_package:
            builder.locals.update(made)
        elif not internal and package == builder.root_package:
            builder.globals.update(made)

    _replace(MacroNamespace, flat=_once("flat", flat), keys=keys, __getitem__=get)
    _replace(MacroNamespaceBuilder, add_macros=add)


def _types_of_columns_made_once() -> None:
    """The types that columns may have hold nothing of a result; a date's costs a calendar of all languages."""
    import agate
    from dbt_common.clients import agate_helper

    text = agate.data_types.Text
    *types, _ = agate_helper.DEFAULT_TYPE_TESTER._possible_types
    nothing = agate.Table(rows=[])

    def tester(text_columns: Iterable[str], string_null_values: Iterable[str] | None = ("null", "")) -> Any:
        forced = {name: text(null_values=string_null_values) for name in text_columns}
        return agate.TypeTester(force=forced, types=[*types, text(null_values=string_null_values)])

    _replace(agate_helper, build_type_tester=tester, empty_table=lambda: nothing)


def _templates_compiled_once() -> None:
    """One in five texts of a build was there before, and in its process's next build all of them are."""
    from dbt_common.clients.jinja import MacroFuzzEnvironment

    compile_template: Callable[..., Any] = MacroFuzzEnvironment.compile
    kept: dict[tuple[type, str], Any] = {}

    def compile_once(environment: Any, source: Any, *args: Any, **options: Any) -> Any:
        if args or options or not isinstance(source, str):
            return compile_template(environment, source, *args, **options)
        # All environments of a class are set up alike; what differs between them is asked for by the code.
        key = (type(environment), source)
        if key not in kept:
            if len(kept) >= _TEMPLATES_KEPT:
                kept.clear()
            kept[key] = compile_template(environment, source)
        return kept[key]

    _replace(MacroFuzzEnvironment, compile=compile_once)


def _replace(owner: Any, **parts: Any) -> None:
    for name, part in parts.items():
        setattr(owner, name, part)


def _once(name: str, compute: Callable[[Any], Any]) -> cached_property[Any]:
    """An attribute that is computed when it is first read."""
    attribute = cached_property(compute)
    attribute.__set_name__(object, name)
    return attribute
