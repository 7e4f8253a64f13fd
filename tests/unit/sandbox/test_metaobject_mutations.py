"""Metaobjects are made, changed and deleted as Shopify does it, with its user errors."""

from __future__ import annotations

from typing import Any

from growth_pipelines.actions.executors.metaobjects import types
from growth_pipelines.actions.executors.surfaces import document

from .conftest import Admin

DEFINITION = {
    "type": "growth_faq",
    "name": "Question and answer",
    "displayNameKey": "question",
    "fieldDefinitions": types()["growth_faq"]["fields"],
}
HANDLE = {"type": "growth_faq", "handle": "pump-1"}


def _codes(payload: dict[str, Any]) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


def _create(admin: Admin) -> Any:
    return admin.data(document("create_metaobject_definition"), definition=DEFINITION)[
        "metaobjectDefinitionCreate"
    ]


def _upsert(admin: Admin, **fields: str) -> Any:
    given = {"fields": [{"key": key, "value": value} for key, value in fields.items()]}
    return admin.data(document("upsert_metaobject"), handle=HANDLE, metaobject=given)["metaobjectUpsert"]


def _entries(admin: Admin) -> list[Any]:
    query = '{ metaobjects(first: 50, type: "growth_faq") { nodes { id handle fields { key value } } } }'
    nodes: list[Any] = admin.data(query)["metaobjects"]["nodes"]
    return nodes


def test_a_type_can_be_made_once(fresh_admin: Admin) -> None:
    assert _codes(_create(fresh_admin)) == []
    assert _codes(_create(fresh_admin)) == ["TAKEN"]


def test_an_entry_of_a_type_that_is_not_there_is_refused(fresh_admin: Admin) -> None:
    assert _codes(_upsert(fresh_admin, question="Q?", answer="A.")) == ["UNDEFINED_OBJECT_TYPE"]


def test_an_upsert_makes_an_entry_and_then_changes_the_named_fields(fresh_admin: Admin) -> None:
    _create(fresh_admin)
    assert _codes(_upsert(fresh_admin, question="Q?")) == ["OBJECT_FIELD_REQUIRED"]
    assert _codes(_upsert(fresh_admin, question="Q?", answer="A.", colour="red")) == ["UNDEFINED_OBJECT_FIELD"]
    first = _upsert(fresh_admin, question="Q?", answer="A.")["metaobject"]["id"]
    assert _upsert(fresh_admin, answer="B.")["metaobject"]["id"] == first
    [entry] = _entries(fresh_admin)
    values = {row["key"]: row["value"] for row in entry["fields"]}
    assert (entry["handle"], values["question"], values["answer"]) == ("pump-1", "Q?", "B.")
    fresh_admin.data(document("delete_metaobject"), id=first)
    assert _entries(fresh_admin) == []
    again = fresh_admin.data(document("delete_metaobject"), id=first)["metaobjectDelete"]
    assert _codes(again) == ["RECORD_NOT_FOUND"]


def test_references_need_a_metafield_definition_that_goes_with_the_type(fresh_admin: Admin) -> None:
    made = _create(fresh_admin)["metaobjectDefinition"]["id"]
    entry = _upsert(fresh_admin, question="Q?", answer="A.")["metaobject"]["id"]
    product = fresh_admin.shop.catalogue.products[0].gid
    metafield = {
        "ownerId": product,
        "namespace": "growth",
        "key": "faq",
        "type": "list.metaobject_reference",
        "value": f'["{entry}"]',
    }

    def link() -> list[str]:
        return _codes(fresh_admin.data(document("set_metafields"), metafields=[metafield])["metafieldsSet"])

    def define(gid: str) -> list[str]:
        definition = {
            "ownerType": "PRODUCT",
            "namespace": "growth",
            "key": "faq",
            "name": "Questions",
            "type": "list.metaobject_reference",
            "validations": [{"name": "metaobject_definition_id", "value": gid}],
        }
        answer = fresh_admin.data(document("create_metafield_definition"), definition=definition)
        return _codes(answer["metafieldDefinitionCreate"])

    assert link() == ["INVALID_TYPE"]
    assert define("gid://shopify/MetaobjectDefinition/1") == ["INVALID_OPTION"]
    assert define(made) == []
    assert define(made) == ["TAKEN"]
    assert link() == []
    fresh_admin.data(document("delete_metaobject_definition"), id=made)
    assert _entries(fresh_admin) == []
    assert link() == ["INVALID_TYPE"]
