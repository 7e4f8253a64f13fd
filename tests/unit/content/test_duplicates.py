"""Near-duplicates are found exactly, whatever the order and however many texts there are."""

from __future__ import annotations

import itertools
import random

from growth_pipelines.content.duplicates import NEAR, likeness, near_duplicates, shingles

TEXT = (
    "Billet fuel rails with brackets bolts ports and a crossover hose that can be added later on the bench by hand"
)


def test_a_text_with_a_word_more_at_its_end_is_a_near_duplicate() -> None:
    assert likeness(TEXT, f"{TEXT} today") > NEAR
    assert near_duplicates({"a": TEXT, "b": f"{TEXT} today"}) == {"b": "a"}


def test_texts_of_the_same_words_in_another_order_are_not() -> None:
    turned = " ".join(reversed(TEXT.split()))
    assert likeness(TEXT, turned) < 0.1
    assert near_duplicates({"a": TEXT, "b": turned}) == {}


def test_known_texts_are_met_but_not_judged() -> None:
    assert near_duplicates({"new": TEXT}, {"old": TEXT, "older": TEXT}) == {"new": "old"}


def test_short_and_empty_texts_are_compared_as_wholes() -> None:
    assert near_duplicates({"a": "fuel rail", "b": "fuel rails", "c": "oil rail", "d": "", "e": ""}) == {"b": "a"}


def test_the_filter_misses_nothing_that_comparing_all_pairs_finds() -> None:
    rng = random.Random(4)
    pool = [f"w{number}" for number in range(60)]
    texts = {}
    for number in range(120):
        words = [rng.choice(pool) for _ in range(rng.randint(3, 60))]
        if number % 3 and texts:
            words = rng.choice(list(texts.values())).split()
            for _ in range(rng.randint(0, 3)):
                words[rng.randrange(len(words))] = rng.choice(pool)
        texts[f"t{number}"] = " ".join(words)
    found = near_duplicates(texts)
    kept: list[str] = []
    for key in texts:
        like = [other for other in kept if likeness(texts[key], texts[other]) > NEAR]
        assert (key in found) == bool(like), key
        if key not in found:
            kept.append(key)
    assert found
    assert all(likeness(texts[a], texts[b]) <= NEAR for a, b in itertools.combinations(kept, 2))


def test_shingles_see_one_size_in_all_its_spellings() -> None:
    assert shingles("black 6AN hose end") == shingles("black AN-6 hose end")
