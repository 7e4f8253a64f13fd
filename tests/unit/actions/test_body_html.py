"""Links and images are cut out of a body and put back without a change of anything around them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growth_pipelines.actions.body_html import (
    attributes,
    flaw_of_link,
    image_tag,
    kept_links,
    links_html,
    links_of,
    links_shown,
    links_text,
    only_repairs,
    with_attributes,
    with_image,
    with_links,
    with_width,
    without_links,
)
from growth_pipelines.actions.executors.body_plan import checked_links
from growth_pipelines.actions.executors.structured_plan import InvalidDraft
from growth_pipelines.actions.executors.surfaces import _plain_text
from growth_pipelines.actions.recheck import recheck_of
from growth_pipelines.actions.structured_fields import json_text
from tests.own_time import own_time

ANCHORS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20)
URLS = st.from_regex(r"/(products|pages)/[a-z0-9-]{1,9}", fullmatch=True)
LINK = st.fixed_dictionaries({"section": st.sampled_from(["A & B", "Б"]), "anchor": ANCHORS, "url": URLS})
LINKS = st.lists(LINK, max_size=12).map(lambda links: sorted(links, key=lambda link: link["section"]))
BODIES = st.text(st.sampled_from("<>/pdiv \n&;\"'=ab"), max_size=60)


@given(BODIES, LINKS, LINKS)
def test_any_body_comes_back_byte_by_byte(
    body: str, links: list[dict[str, str]], others: list[dict[str, str]]
) -> None:
    if any(map(flaw_of_link, [*links, *others])):
        return
    once = with_links(body, links_text(links))
    assert links_shown(once) == links_text(links)
    twice = with_links(once, links_text(others))
    if links and others:
        assert twice.count("growth-related-links") == 1
    assert with_links(twice, "") == body
    assert links_of(links_text(links)) == links
    assert kept_links(json_text(links_of(links_text(links)))) == links_text(links)


OPEN = [
    "<img ",
    '<img src="x.jpg" ',
    "<img '",
    "<img '\"",
    "<img '<img \"",
    "<a ",
    '<div class="growth-related-links">',
    "<",
    "  ",
]


@pytest.mark.parametrize("tag", OPEN)
def test_thousands_of_tags_that_stay_open_are_read_in_no_time(tag: str) -> None:
    """Looking for the end of each one to the end of the text would take minutes."""
    shown = '<img src="/files/y.jpg" alt="a > b">'
    body = f"{20_000 * tag}</div>{shown}"
    with own_time() as took:
        assert without_links(with_links(body, "A: b → /pages/c")) in (body, without_links(body))
        image_tag(body, "y.jpg")
        with_attributes(f"<img {20_000 * tag}>", {"loading": "lazy", "width": None})
        only_repairs(f"<img {20_000 * tag}>", f"<img {20_000 * tag}>")
        _plain_text(20_000 * tag)
    assert took.seconds < 1


def test_an_image_is_found_behind_a_tag_that_stays_open() -> None:
    shown = "<IMG src='/files/y.jpg?v=1' alt='a > b < c'/>"
    assert image_tag(f'<p <img src="/files/x.jpg" <img alt="2 {shown}{shown}', "y.jpg") == shown
    assert image_tag(f"{shown}<img ", "y.jpg") == shown
    assert _plain_text('Hose, <b title="x">20 ft</b> &lt; 3 < 4') == "Hose,  20 ft  < 3 < 4"


def test_links_can_hold_no_markup_of_their_own() -> None:
    link = {"section": "A", "anchor": '"><script>alert(1)</script>', "url": '/pages/x"onclick=1'}
    assert "plain text" in flaw_of_link(link)
    assert "<script" not in links_html([link])
    assert "not the path" in flaw_of_link({**link, "anchor": "x"})
    for url in ("https://elsewhere.example/", "//elsewhere.example/pages/x", "javascript:alert(1)", "/cart/add"):
        assert "not the path" in flaw_of_link({"section": "A", "anchor": "x", "url": url})


def test_a_block_of_another_form_is_shown_as_it_is_and_put_back_so() -> None:
    body = '<p>x</p><div class="growth-related-links"><p>By hand</p></div><p>y</p>'
    shown = links_shown(body)
    assert shown == '<div class="growth-related-links"><p>By hand</p></div>'
    assert with_links(without_links(body) + "", shown) == "<p>x</p><p>y</p>" + shown
    assert with_links(with_links(body, "A: b → /pages/c"), shown) == body


def _links(count: int, section: str = "A") -> list[dict[str, Any]]:
    return [{"section": section, "anchor": f"N{n}", "url": f"/pages/{section}-{n}"} for n in range(count)]


@pytest.mark.parametrize(
    ("links", "why"),
    [
        (_links(6), "At most 5 links a section"),
        ([link for section in "ABC" for link in _links(5, section)], "12 a page"),
        ([{"section": "A", "anchor": "self", "url": "/pages/Own/"}], "link to itself"),
        (_links(1) * 2, "same page"),
        ("x", "must be a list"),
        ([{"section": "A", "anchor": "", "url": "/pages/a"}], "plain text"),
    ],
)
def test_links_that_may_not_be_written_are_refused_with_a_reason(links: Any, why: str) -> None:
    with pytest.raises(InvalidDraft, match=why):
        checked_links(links, "/pages/own")


IMAGE = "<IMG alt='a > b' src=\"/f/hero.jpg?v=1&x=2\" loading=lazy width = '10'/>"


def test_an_image_is_found_by_its_file_and_only_its_tag_changes() -> None:
    body = f'<p>2 > 1<img src="/f/other.jpg">{IMAGE}{IMAGE}</p>'
    assert image_tag(body, "hero.jpg") == IMAGE
    assert image_tag(body, "none.jpg") == ""
    assert attributes(IMAGE) == {"alt": "a > b", "src": "/f/hero.jpg?v=1&x=2", "loading": "lazy", "width": "10"}
    tag = with_attributes(IMAGE, {"loading": None, "width": "20", "height": "30"})
    assert tag == '<IMG alt=\'a > b\' src="/f/hero.jpg?v=1&x=2" width="20" height="30"/>'
    changed = with_image(body, "hero.jpg", tag)
    assert with_image(changed, "hero.jpg", IMAGE) == body
    with pytest.raises(ValueError, match="no image"):
        with_image("<p>x</p>", "hero.jpg", tag)


@pytest.mark.parametrize(
    ("after", "allowed"),
    [
        ('<img src="/f/hero.jpg" fetchpriority="high">', True),
        ('<img src="/f/hero.jpg?width=800" width="4" height="3">', True),
        ('<img src="/f/rival.jpg">', False),
        ('<img src="/f/hero.jpg" onload="steal()">', False),
        ('<img src="/f/hero.jpg"><script>steal()</script>', False),
        ("", False),
    ],
)
def test_a_repair_changes_how_an_image_loads_and_nothing_else(after: str, allowed: bool) -> None:
    assert only_repairs('<img src="/f/hero.jpg">', after) is allowed


def test_a_width_is_asked_of_the_server_once() -> None:
    assert with_width("https://cdn.shopify.com/f/a.jpg?v=3&width=4000", 800).endswith("a.jpg?v=3&width=800")
    assert with_width("/a.jpg", 800) == "/a.jpg?width=800"


def test_a_repair_is_looked_at_again_when_field_data_hold_only_what_came_after_it() -> None:
    evidence = [{"name": "LCP p75, to reach", "value": 2500.0, "unit": "ms", "baseline": 4700.0}]
    planned, set_out = recheck_of(evidence, None), recheck_of(evidence, date(2026, 11, 1))
    assert planned is not None
    assert set_out is not None
    assert planned.day is None
    assert (set_out.day, set_out.baseline, set_out.goal, set_out.metric) == (
        date(2026, 11, 29),
        4700,
        2500,
        "LCP p75",
    )
    assert recheck_of([{"name": "CTR", "value": 1, "unit": "", "baseline": 2}], None) is None
