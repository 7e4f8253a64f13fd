"""The quick projection answers exactly what the GraphQL reference executor answers over the same resolvers."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLError, GraphQLResolveInfo, execute, parse
from graphql.type import GraphQLAbstractType

from .conftest import Admin

DOCUMENTS = {
    "orders with everything below": """
        query ($n: Int!) { orders(first: $n, sortKey: UPDATED_AT) {
          pageInfo { hasNextPage endCursor startCursor }
          edges { cursor node { ...Head customer { id numberOfOrders }
            refunds(first: 5) { id totalRefundedSet { shopMoney { amount currencyCode } } }
            lineItems(first: 3) { nodes { id quantity variant { id price product { handle } }
              discountAllocations { allocatedAmountSet { shopMoney { amount } } } } } } }
        } }
        fragment Head on Order { id name test createdAt total: totalPriceSet { shopMoney { amount } } __typename }
    """,
    "interfaces and unions": """
        { products(first: 4) { nodes { id tags
          media(first: 2) { nodes { __typename alt ... on MediaImage { id image { width height url } } } }
          variants(first: 2) { nodes { sku inventoryItem { unitCost { amount } } } } } } }
    """,
    "directives and aliases": """
        query ($with: Boolean = false) {
          shop { name currency: currencyCode primaryDomain { url }
            ianaTimezone @skip(if: true) url @include(if: $with) }
        }
    """,
    "pages, articles and metafields": """
        { pages(first: 2) { nodes { id metafield(namespace: "global", key: "title_tag") { value type } } }
          articles(first: 2, reverse: true) { nodes { id handle blog { handle } isPublished } }
          collections(first: 2) { nodes { id seo { title description } productsCount { count }
            products(first: 2) { nodes { id } } } } }
    """,
}


def _reference(admin: Admin, document: str, variables: dict[str, Any]) -> Any:
    context = admin.api.context()

    def resolve(source: Any, info: GraphQLResolveInfo, **args: Any) -> Any:
        resolver = admin.api.find(info.parent_type.name, info.field_name)
        assert resolver is not None
        return resolver(source, args, context)

    def type_of(value: Any, info: GraphQLResolveInfo, abstract: GraphQLAbstractType) -> str:
        return str(value.typename)

    result = execute(
        admin.api.schema, parse(document), variable_values=variables, field_resolver=resolve, type_resolver=type_of
    )
    assert not isinstance(result, GraphQLError)
    assert result.errors is None, result.errors  # type: ignore[union-attr]
    return result.data  # type: ignore[union-attr]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_projection_equals_the_reference_executor(name: str, admin: Admin) -> None:
    variables = {"n": 40} if "$n" in DOCUMENTS[name] else {}
    assert admin.data(DOCUMENTS[name], **variables) == _reference(admin, DOCUMENTS[name], variables)


def test_a_misspelt_field_is_refused_by_the_real_schema(admin: Admin) -> None:
    answer = admin("{ shop { nam } }")
    assert "Cannot query field 'nam' on type 'Shop'" in answer["errors"][0]["message"]
    assert "data" not in answer


def test_a_field_of_the_schema_that_the_sandbox_lacks_is_refused_by_name(admin: Admin) -> None:
    answer = admin("{ shop { richTextEditorUrl } }")
    assert answer["errors"][0]["message"] == "The sandbox shop does not answer Shop.richTextEditorUrl."


def test_a_variable_of_the_wrong_type_is_refused(admin: Admin) -> None:
    answer = admin("query ($n: Int!) { products(first: $n) { nodes { id } } }", n="many")
    assert answer["errors"][0]["extensions"]["code"] == "INVALID_VARIABLE"
