"""What is kept is worked out once for as long as what it rests on is the same, also by many at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from growth_pipelines.console.kept import Kept


def test_an_answer_is_worked_out_anew_only_when_what_it_rests_on_has_changed() -> None:
    kept: Kept[str] = Kept()
    asked = ((1, "a"), (1, "b"), (2, "c"), (1, "d"))
    told = [kept.of(rests_on, lambda worked=worked: worked) for rests_on, worked in asked]  # type: ignore[misc]
    assert told == ["a", "a", "c", "d"]


def test_many_who_ask_at_once_are_told_the_same_and_only_one_works() -> None:
    kept: Kept[int] = Kept()
    worked: list[int] = []

    def work_out() -> int:
        time.sleep(0.05)
        worked.append(1)
        return len(worked)

    with ThreadPoolExecutor(8) as readers:
        told = list(readers.map(lambda _: kept.of("same", work_out), range(8)))
    assert told == [1] * 8


def test_what_fails_is_not_kept() -> None:
    kept: Kept[int] = Kept()
    with pytest.raises(ZeroDivisionError):
        kept.of(1, lambda: 1 // 0)
    assert kept.of(1, lambda: 7) == 7
