"""The order that places typed into a form mean, and what may be left out."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from growth_pipelines.console.chosen import OUT, choices_of, chosen_lists
from growth_pipelines.drafts.edits import BadEdit
from growth_pipelines.store.tables import Action


def rule(*titles: str) -> Action:
    companions = [{"product": f"gid://shopify/Product/{title}", "title": title} for title in titles]
    return Action(draft={"companions": companions}, fields=["metafield.complementary_products"])


def typed(action: Action, **places: str) -> dict[str, str]:
    """The form of an action with these choices by title, all others as they were."""
    [choice] = choices_of(action)
    return {item.name: places.get(item.text, item.chosen) for item in choice.items}


def order(action: Action, **places: str) -> str:
    chosen: list[dict[str, Any]] = chosen_lists(action, typed(action, **places))["companions"]
    return "".join(one["title"] for one in chosen)


@pytest.mark.parametrize(
    ("places", "wanted"),
    [
        ({}, "ABCD"),
        ({"C": "1"}, "CABD"),  # one that moves up takes the place, the others make room
        ({"A": "3"}, "BCAD"),
        ({"A": "4", "D": "1"}, "DBCA"),
        ({"B": OUT}, "ACD"),
        ({"A": OUT, "D": "1"}, "DBC"),
        (dict.fromkeys("ABCD", OUT), ""),
    ],
)
def test_a_place_goes_to_what_was_moved_there(places: dict[str, str], wanted: str) -> None:
    assert order(rule(*"ABCD"), **places) == wanted


def test_places_that_differ_are_the_order() -> None:
    for places in itertools.permutations("1234"):
        chosen = dict(zip("ABCD", places, strict=True))
        assert order(rule(*"ABCD"), **chosen) == "".join(sorted("ABCD", key=chosen.__getitem__))


def test_a_page_that_is_shown_again_has_the_order_that_was_typed() -> None:
    action = rule(*"ABCD")
    [again] = choices_of(action, typed(action, A="3", B="1", C=OUT))
    assert [(item.text, item.chosen) for item in again.items] == [("B", "1"), ("A", "2"), ("D", "3"), ("C", OUT)]
    [unreadable] = choices_of(action, typed(action, A="first"))
    assert [item.text for item in unreadable.items] == list("ABCD")


@pytest.mark.parametrize("place", ["0", "5", "-1", "first", "", "²"])
def test_what_is_no_place_is_refused(place: str) -> None:
    with pytest.raises(BadEdit, match="is no place among 4"):
        order(rule(*"ABCD"), A=place)


def test_what_was_chosen_on_an_older_page_moves_nothing_else() -> None:
    older = typed(rule("A", "X", "B"), X="1", B=OUT)
    assert [one["title"] for one in chosen_lists(rule("A", "B", "C"), older)["companions"]] == ["A", "C"]


def test_a_list_of_one_and_links_that_are_not_written_offer_no_choice() -> None:
    assert choices_of(rule("A")) == []
    links = [{"section": "related_products", "anchor": name, "url": f"/products/{name}"} for name in "ab"]
    title = Action(draft={"title": "T", "internal_links": links}, fields=["seo.title"])
    assert choices_of(title) == []
    title.fields = ["related_links", "seo.title"]
    [choice] = choices_of(title)
    assert (choice.ordered, [item.text for item in choice.items]) == (False, ["a", "b"])
    # The last of them may go while something else is left to write.
    title.draft = {"title": "T", "internal_links": links[:1]}
    assert len(choices_of(title)) == 1
    title.fields = ["related_links"]
    assert choices_of(title) == []
