"""How-tos are the page's own ordered lists, whole and word for word, where the page calls them instructions."""

from __future__ import annotations

import pytest

from growth_pipelines.content.how_to import LONGEST_STEP, how_to, ordered_lists
from growth_pipelines.content.structured import how_to_data
from tests.own_time import own_time

PUMP = "340 lph In-Tank Fuel Pump"
STEPS = ["Cut the hose square.", "Push the socket on.", "Check every joint for leaks."]


def listed(*items: str, before: str = "<h3>How to install</h3>", tag: str = "ol") -> str:
    return f"{before}<{tag}>{''.join(f'<li>{item}</li>' for item in items)}</{tag}>"


def told(body: str, **more: str) -> list[str]:
    """The steps found in a body, of a page whose description says just what the body says."""
    page = {"title": PUMP, "description": " ".join(item for one in ordered_lists(body) for item in one.items)}
    return [step for _, step in how_to({**page, **more}, body, shop_name="Hot Rod Parts")]


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("<strong>Cut</strong> the M<b>10</b>\n  hose &amp; deburr.", "Cut the M10 hose & deburr."),
        ("<p>Cut the hose.</p><p>Deburr it.</p>", "Cut the hose. Deburr it."),
        ("Cut the hose,<br>square.", "Cut the hose, square."),
        ('See <a href="/pages/x">the page</a>.<script>steal()</script><img alt="x" src="y">', "See the page."),
        ("Collect:<ul><li>a cutter</li><li>a vice</li></ul>", "Collect: a cutter a vice"),
        ("Cut:<ol><li>measure<li>saw</ol>then file.", "Cut: measure saw then file."),
        ("Отрежьте шланг под прямым углом.", "Отрежьте шланг под прямым углом."),
        ("ホースを<b>直角</b>に切ります。", "ホースを直角に切ります。"),
    ],
)
def test_a_step_is_its_item_s_plain_text(markup: str, plain: str) -> None:
    [found] = ordered_lists(listed(markup, *STEPS))
    assert found.items == [plain, *STEPS]
    assert found.heading == "How to install"


def test_items_and_lists_may_stay_open_and_empty_ones_are_none() -> None:
    [found] = ordered_lists("<OL><LI>Cut.<LI> <LI>Push.<li>Check.")
    assert found.items == ["Cut.", "Push.", "Check."]


@pytest.mark.parametrize(
    "tag", ["<a ", "<a href='x", '<img alt="x" ', "<!--", "<!", "</", "<ol><li", "<a b='c' d=\"e<i><img \""]
)
def test_tags_that_stay_open_hide_the_rest_and_are_read_once(tag: str) -> None:
    """Looking for the end of each would take minutes for as many."""
    body = f"{listed(*STEPS)}<ol><li>Cut off{20_000 * tag}"
    with own_time() as took:
        assert ordered_lists(body)[0].items == STEPS
    assert took.seconds < 1
    assert len(ordered_lists(f"{listed(*STEPS)}<ol><li>Cut off{tag}")) == 1


@pytest.mark.parametrize(
    "rest", ["<![if !supportLists]>", "<![", "<![x[y]]>", "<!--[if mso]><ol><![endif]-->", "<!x>"]
)
def test_what_word_processors_leave_behind_is_no_text(rest: str) -> None:
    assert [found.items for found in ordered_lists(f"<p>{rest}</p>{listed(*STEPS)}")] == [STEPS]


@pytest.mark.parametrize(
    ("before", "name"),
    [
        ("<h2>How to <em>install</em></h2>", "How to install"),
        ("<h3>Installation:</h3><p>Take your time.</p>", "Installation"),
        ("<p>A good pump. To fit it, go on like this:</p>", "To fit it, go on like this"),
        ("<p><strong>Instructions</strong></p>", "Instructions"),
        ("<h3>Kit contents</h3><ul><li>a pump</li></ul><p>Installation</p>", "Installation"),
        ("", ""),
        ("<h3>In the box</h3>", ""),
        ("<h3>AN Fittings</h3>", ""),
        ("<h3>It fits these engines</h3>", ""),
        ("<h3>Installation</h3><p>What you need to install it:</p>", ""),
        ("<h3>Installation kit contents</h3>", ""),
        ("<h3>How to install</h3><h3>Sizes</h3>", ""),
        ("<h3>How to install</h3><ul><li>With care.</li></ul><p>Sizes:</p>", ""),
    ],
)
def test_only_what_the_page_calls_instructions_is_a_how_to(before: str, name: str) -> None:
    body = listed(*STEPS, before=before)
    found = how_to({"title": PUMP, "description": f"{before} {STEPS}"}, body, shop_name="Hot Rod Parts")
    assert found == ([(f"{PUMP}: {name}", step) for step in STEPS] if name else [])


@pytest.mark.parametrize(
    "body",
    [
        listed(*STEPS[:2]),
        listed(*(f"Turn the bolt {'again ' * turn}." for turn in range(21))),
        listed(*STEPS, "x" * (LONGEST_STEP + 1)),
        listed(*STEPS, "切" * (LONGEST_STEP + 1)),
        listed(*STEPS, "Type &lt;b&gt; into it."),
        listed(*STEPS, tag="ul"),
        listed(*STEPS, "Put sealant on the AN flare threads."),
        listed(*STEPS, "Apply thread sealant", "on the AN threads."),
        listed(*STEPS, "Use teflon tape."),
        listed(*STEPS, "Skip the leak test."),
        listed(*STEPS, "Pay $99 for it."),
    ],
)
def test_a_list_that_can_t_be_taken_whole_is_not_taken_at_all(body: str) -> None:
    assert told(body) == []


def test_a_step_may_be_as_long_as_a_reader_counts_and_a_how_to_has_up_to_twenty() -> None:
    accented = "e\N{COMBINING ACUTE ACCENT}" * LONGEST_STEP  # two code points, one character to the reader
    for longest in ("切" * LONGEST_STEP, "ж" * LONGEST_STEP, accented):
        assert told(listed(*STEPS, longest)) == [*STEPS, longest]
    twenty = [f"Turn the bolt {'again ' * turn}now." for turn in range(20)]
    assert told(listed(*twenty)) == twenty


def test_a_later_list_may_be_the_how_to_and_figures_need_the_page() -> None:
    body = listed("A pump", "A strainer", "A clamp", before="<h3>In the box</h3>") + listed(*STEPS, "Use 43 psi.")
    assert told(body) == [*STEPS, "Use 43 psi."]
    assert told(body, description="A pump.") == []


def test_without_rules_for_the_language_nothing_is_taken() -> None:
    body = listed(*STEPS)
    assert how_to({"title": PUMP, "description": body}, body, shop_name="Hot Rod Parts", locale="de") == []


def test_the_structured_data_are_a_schema_org_how_to() -> None:
    data = how_to_data([("Pump: How to install", step) for step in STEPS])
    assert (data["@context"], data["@type"], data["name"]) == (
        "https://schema.org",
        "HowTo",
        "Pump: How to install",
    )
    assert [one["@type"] for one in data["step"]] == ["HowToStep"] * 3
    assert [(one["position"], one["text"]) for one in data["step"]] == list(enumerate(STEPS, start=1))
