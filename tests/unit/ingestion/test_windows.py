"""Windows overlap what was read, and a cursor never jumps over a time that was not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from growth_pipelines.ingestion.windows import Window, covered, midnight, plan_days, plan_time

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HISTORY = timedelta(days=760)
OVERLAP = timedelta(minutes=60)
days = st.integers(0, 400).map(lambda n: datetime(2026, 1, 1) + timedelta(days=n))


def test_the_first_load_reads_the_whole_history_up_to_now() -> None:
    window = plan_time(NOW, None, overlap=OVERLAP, history=HISTORY)
    assert window == Window(datetime(2024, 10, 23), datetime(2026, 11, 22, 12), open_end=True)


def test_a_later_run_reads_again_the_overlap_before_its_cursor() -> None:
    window = plan_time(NOW, datetime(2026, 11, 22, 6), overlap=OVERLAP, history=HISTORY)
    assert window.start == datetime(2026, 11, 22, 5)


def test_full_forgets_the_cursor_and_given_days_win_over_it() -> None:
    cursor = datetime(2026, 11, 22, 6)
    assert plan_time(NOW, cursor, overlap=OVERLAP, history=HISTORY, full=True).start == datetime(2024, 10, 23)
    asked = plan_time(
        NOW, cursor, overlap=OVERLAP, history=HISTORY, since=date(2026, 3, 1), until=date(2026, 3, 2)
    )
    assert asked == Window(datetime(2026, 3, 1), datetime(2026, 3, 3), open_end=False)


def test_daily_windows_end_after_the_last_readable_day_and_overlap_by_days() -> None:
    window = plan_days(date(2026, 11, 19), datetime(2026, 11, 18), overlap_days=7, history_days=480)
    assert window.days[0] == date(2026, 11, 11)
    assert window.days[-1] == date(2026, 11, 19)


def test_the_first_daily_window_has_as_many_days_as_the_history() -> None:
    assert len(plan_days(date(2026, 11, 19), None, overlap_days=7, history_days=480).days) == 480


def test_nothing_to_read_is_an_empty_window_and_not_a_backward_one() -> None:
    window = plan_days(date(2026, 11, 19), None, overlap_days=7, history_days=480, since=date(2027, 1, 1))
    assert window.days == []


@given(start=days, length=st.integers(1, 300), size=st.integers(1, 90))
def test_chunks_cover_the_window_without_gap_or_overlap(start: datetime, length: int, size: int) -> None:
    window = Window(start, start + timedelta(days=length))
    chunks = list(window.chunks(size))
    assert [day for chunk in chunks for day in chunk.days] == window.days
    assert max(len(chunk.days) for chunk in chunks) <= size
    assert [chunk.open_end for chunk in chunks].count(True) == 1


@given(st.lists(st.tuples(days, st.integers(1, 60)), min_size=1, max_size=12))
def test_what_counts_as_covered_was_read_and_never_shrinks(loads: list[tuple[datetime, int]]) -> None:
    start, position, read = None, None, set()
    for begin, length in loads:
        window = Window(begin, begin + timedelta(days=length))
        read |= set(window.days)
        before = (start, position)
        start, position = covered(start, position, window)
        if before[0] is not None and before[1] is not None:
            assert start <= before[0]
            assert position >= before[1]
        assert set(Window(start, position).days) <= read


def test_midnight_is_the_start_of_a_day() -> None:
    assert midnight(date(2026, 1, 2)) == datetime(2026, 1, 2)
