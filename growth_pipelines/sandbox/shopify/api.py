"""One GraphQL request: validated against the real schema, paid for, projected, with Shopify's error shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from graphql import FragmentDefinitionNode, GraphQLError, OperationType
from graphql.execution.values import get_variable_values

from growth_pipelines.sandbox.options import Options
from growth_pipelines.sandbox.sales import local_midnight
from growth_pipelines.sandbox.shopify import resolvers
from growth_pipelines.sandbox.shopify.bulk import BulkOperations
from growth_pipelines.sandbox.shopify.cost import CostBucket, cost_block, requested_cost
from growth_pipelines.sandbox.shopify.mutations import mutation_roots
from growth_pipelines.sandbox.shopify.projection import ApiError, Projection, Resolver, Selected
from growth_pipelines.sandbox.shopify.roots import query_roots
from growth_pipelines.sandbox.shopify.schema import DocumentCache, admin_schema, operation_of

RECENT_ORDERS = timedelta(days=60)
# What each root field needs; fields that are not named need nothing.
SCOPE_OF = {
    "orders": "read_orders",
    "customers": "read_customers",
    "products": "read_products",
    "productVariants": "read_products",
    "collections": "read_products",
    "pages": "read_content",
    "articles": "read_content",
    "blogs": "read_content",
    "files": "read_files",
    "abandonedCheckouts": "read_orders",
    "discountNodes": "read_discounts",
    "inventoryItems": "read_inventory",
    "locations": "read_locations",
    "urlRedirects": "read_online_store_navigation",
    "metaobjectDefinitions": "read_metaobject_definitions",
    "metaobjects": "read_metaobjects",
    "shopifyqlQuery": "read_reports",
    "productUpdate": "write_products",
    "collectionUpdate": "write_products",
    "metafieldsSet": "write_content",
    "metafieldsDelete": "write_content",
    "metafieldDefinitionCreate": "write_products",
    "metafieldDefinitionDelete": "write_products",
    "standardMetafieldDefinitionEnable": "write_products",
    "metaobjectDefinitionCreate": "write_metaobject_definitions",
    "metaobjectDefinitionDelete": "write_metaobject_definitions",
    "metaobjectUpsert": "write_metaobjects",
    "metaobjectDelete": "write_metaobjects",
    "fileUpdate": "write_files",
}


@dataclass
class Context:
    """What resolvers may see of the world during one request."""

    shop: Any
    options: Options
    bulk_operations: BulkOperations
    bulk: bool = False
    search_warnings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def orders_since(self) -> datetime | None:
        """Without read_all_orders an app sees the orders of the last 60 days; None = all of them."""
        if "read_all_orders" in self.options.scopes:
            return None
        return local_midnight(self.shop.today - RECENT_ORDERS)

    def require(self, name: str) -> None:
        """Refuse as Shopify does when the app lacks the scope of a field."""
        scope = SCOPE_OF.get(name)
        if scope and scope not in self.options.scopes:
            raise ApiError(
                f"Access denied for {name} field. Required access: `{scope}` access scope.",
                "ACCESS_DENIED",
                requiredAccess=f"`{scope}` access scope.",
            )


def _limits(options: Options) -> CostBucket:
    if options.limits == "real":
        return CostBucket(2000, 100, 1000)
    return CostBucket(10_000_000, 10_000_000, 10_000_000)


class AdminApi:
    """The endpoint ``/admin/api/{version}/graphql.json`` of one shop."""

    def __init__(self, shop: Any, options: Options) -> None:
        self.shop = shop
        self.options = options
        self.documents = DocumentCache()
        self.bucket = _limits(options)
        self.schema = admin_schema()
        self.bulk_operations = BulkOperations(self)
        self._roots: dict[str, dict[str, Resolver]] = {"QueryRoot": query_roots(), "Mutation": mutation_roots()}

    def find(self, type_name: str, field_name: str) -> Resolver | None:
        if type_name in self._roots:
            return self._roots[type_name].get(field_name)
        return resolvers.find(type_name, field_name)

    def context(self, bulk: bool = False) -> Context:
        return Context(self.shop, self.options, self.bulk_operations, bulk)

    def answer(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one request body {query, variables, operationName}; HTTP status is 200 even for errors."""
        text = body.get("query")
        if not isinstance(text, str):
            return {"errors": [{"message": "query must be a string"}]}
        document, problems = self.documents.get(text)
        if problems or document is None:
            return {"errors": [_located(problem) for problem in problems]}
        operation = operation_of(document, body.get("operationName"))
        if operation is None:
            return {"errors": [{"message": "An operation name is required"}]}
        definitions = operation.variable_definitions or ()
        values = get_variable_values(self.schema, definitions, body.get("variables") or {})
        if isinstance(values, list):
            return {"errors": [_located(problem, "INVALID_VARIABLE") for problem in values]}
        mutation = operation.operation is OperationType.MUTATION
        root_type = self.schema.mutation_type if mutation else self.schema.query_type
        assert root_type is not None
        fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        context = self.context()
        projection = Projection(self.schema, self.find, fragments, values, context)
        try:
            root = projection.fields(root_type, [operation.selection_set])
        except ApiError as error:
            return {"errors": [{"message": error.message, "extensions": error.extensions}]}
        return self._run(projection, root, mutation)

    def _run(self, projection: Projection, root: list[Selected], mutation: bool) -> dict[str, Any]:
        cost = requested_cost(projection, root, mutation)
        if cost > self.bucket.query_maximum:
            limit = f"{self.bucket.query_maximum:.0f}"
            message = f"Query cost is {cost}, which exceeds the single query max cost limit ({limit})."
            refusal = {"code": "MAX_COST_EXCEEDED", "cost": cost, "maxCost": self.bucket.query_maximum}
            return {"errors": [{"message": message, "extensions": refusal}]}
        if not self.bucket.take(cost):
            return {
                "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
                "extensions": {"cost": cost_block(cost, None, self.bucket)},
            }
        data, errors = self._project(projection, root)
        used = cost if mutation else max(1, min(cost, _used(data, cost)))
        self.bucket.give_back(cost - used)
        extensions: dict[str, Any] = {"cost": cost_block(cost, used, self.bucket)}
        warnings = projection.context.search_warnings
        if warnings:
            extensions["search"] = warnings
        answer: dict[str, Any] = {"data": data} if data is not None or not errors else {"data": None}
        return answer | ({"errors": errors} if errors else {}) | {"extensions": extensions}

    def _project(self, projection: Projection, root: list[Selected]) -> tuple[dict[str, Any] | None, list[Any]]:
        """The data, with a failed field null, or everything null where the schema forbids it."""
        data: dict[str, Any] = {}
        errors: list[dict[str, Any]] = []
        for selected in root:
            try:
                value = selected.resolve(None, selected.args, projection.context)
                data[selected.key] = selected.complete(value) if selected.complete and value is not None else value
            except ApiError as error:
                errors.append({"message": error.message, "path": [selected.key], "extensions": error.extensions})
                if str(selected.return_type).endswith("!"):
                    return None, errors
                data[selected.key] = None
        return data, errors


def _used(data: dict[str, Any] | None, requested: int) -> int:
    """The actual cost: as requested, scaled down where the pages were not full."""
    if not data:
        return 1
    filled = 0
    for value in data.values():
        if isinstance(value, dict):
            rows = value.get("edges") or value.get("nodes")
            filled += len(rows) if isinstance(rows, list) else 250
    return max(1, round(requested * min(1.0, (filled + 10) / 250)))


def _located(error: GraphQLError, code: str | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = {"message": error.message}
    if error.locations:
        answer["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    answer["extensions"] = {"code": code or "graphQLValidation"}
    return answer
