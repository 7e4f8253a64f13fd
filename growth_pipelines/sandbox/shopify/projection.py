"""Answers a validated document by projecting its selection set onto the shop's records.

The generic executor resolves every field of every object through several layers; this one compiles the selection
set once a request, with arguments and directives resolved, and then only calls one function a field. On 250
orders with their lines it is about ten times faster, which is what makes a whole shop readable in seconds.
Only what ``resolvers.FIELDS`` names is answered; anything else of the schema is refused by name, never null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    GraphQLUnionType,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.values import get_argument_values, get_directive_values

Resolver = Callable[[Any, Mapping[str, Any], Any], Any]


class ApiError(Exception):
    """An error of the GraphQL answer: its message and ``extensions.code``."""

    def __init__(self, message: str, code: str | None = None, **more: Any) -> None:
        super().__init__(message)
        self.message = message
        self.extensions = ({"code": code} if code else {}) | more


@dataclass(slots=True)
class Selected:
    """One field of a selection set, ready to run."""

    key: str
    name: str
    resolve: Resolver
    args: dict[str, Any]
    complete: Callable[[Any], Any] | None
    return_type: Any
    selections: list[SelectionSetNode] = field(default_factory=list)


class Projection:
    """One document with its variables over one context."""

    def __init__(
        self,
        schema: GraphQLSchema,
        find: Callable[[str, str], Resolver | None],
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: dict[str, Any],
        context: Any,
    ) -> None:
        self.schema = schema
        self.find = find
        self.fragments = fragments
        self.variables = variables
        self.context = context
        self._plans: dict[tuple[str, tuple[int, ...]], Callable[[Any], dict[str, Any]]] = {}

    def fields(self, parent: GraphQLObjectType, selections: list[SelectionSetNode]) -> list[Selected]:
        """The fields to answer on ``parent``, fragments and directives resolved, in the document's order."""
        collected: dict[str, list[FieldNode]] = {}
        for selection in selections:
            self._collect(parent, selection, collected)
        return [self._selected(parent, key, nodes) for key, nodes in collected.items()]

    def plan(
        self, parent: GraphQLObjectType, selections: list[SelectionSetNode]
    ) -> Callable[[Any], dict[str, Any]]:
        """A function from a record of type ``parent`` to its JSON object."""
        identity = (parent.name, tuple(id(selection) for selection in selections))
        if identity not in self._plans:
            self._plans[identity] = self._project(self.fields(parent, selections))
        return self._plans[identity]

    def _project(self, selected: list[Selected]) -> Callable[[Any], dict[str, Any]]:
        context = self.context
        steps = [(s.key, s.resolve, s.args, s.complete) for s in selected]

        def project(record: Any) -> dict[str, Any]:
            answer = {}
            for key, resolve, args, complete in steps:
                value = resolve(record, args, context)
                answer[key] = value if complete is None or value is None else complete(value)
            return answer

        return project

    def _collect(
        self, parent: GraphQLObjectType, selection: SelectionSetNode, into: dict[str, list[FieldNode]]
    ) -> None:
        for node in selection.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                into.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
                continue
            if isinstance(node, FragmentSpreadNode):
                fragment = self.fragments[node.name.value]
                condition, inner = fragment.type_condition.name.value, fragment.selection_set
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition.name.value if node.type_condition else parent.name
                inner = node.selection_set
            if self._applies(parent, condition):
                self._collect(parent, inner, into)

    def _applies(self, parent: GraphQLObjectType, condition: str) -> bool:
        if condition == parent.name:
            return True
        abstract = self.schema.type_map[condition]
        return isinstance(abstract, GraphQLInterfaceType | GraphQLUnionType) and self.schema.is_sub_type(
            abstract, parent
        )

    def _included(self, node: Any) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        if skip and skip["if"]:
            return False
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not (include and not include["if"])

    def _selected(self, parent: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Selected:
        name = nodes[0].name.value
        if name == "__typename":
            typename = parent.name
            return Selected(key, name, lambda record, args, context: typename, {}, None, None)
        definition = parent.fields[name]
        resolve = self.find(parent.name, name)
        if resolve is None:
            raise ApiError(f"The sandbox shop does not answer {parent.name}.{name}.", "SANDBOX_UNSUPPORTED")
        selections = [node.selection_set for node in nodes if node.selection_set]
        args = get_argument_values(definition, nodes[0], self.variables)
        complete = self._completion(definition.type, selections)
        return Selected(key, name, resolve, args, complete, definition.type, selections)

    def _completion(self, type_: Any, selections: list[SelectionSetNode]) -> Callable[[Any], Any] | None:
        if is_non_null_type(type_):
            return self._completion(type_.of_type, selections)
        named = get_named_type(type_)
        if is_leaf_type(named):
            return None
        if isinstance(named, GraphQLObjectType):
            one = self.plan(named, selections)
        else:
            one = self._by_typename(selections)
        if is_list_type(type_):
            return lambda values: [None if value is None else one(value) for value in values]
        return one

    def _by_typename(self, selections: list[SelectionSetNode]) -> Callable[[Any], Any]:
        """Interfaces and unions: the record's own type decides."""
        schema = self.schema

        def project(record: Any) -> Any:
            concrete = schema.type_map[record.typename]
            assert isinstance(concrete, GraphQLObjectType)
            return self.plan(concrete, selections)(record)

        return project
