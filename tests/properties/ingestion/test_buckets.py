"""Whatever is asked, answered, lost or done to the clock: never more is granted than an API allows."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from growth_pipelines.ingestion.buckets import (
    ARRIVAL_SECONDS,
    CostBucket,
    CountBucket,
    Grant,
    Refusal,
    pacific_day,
    until_midnight,
)
from growth_pipelines.sandbox.limits import MinuteLimit

NOON = 1_795_000_000.0
MAXIMUM, RATE = 1000.0, 50.0
INFINITE = float("inf")


def status(current: float) -> dict[str, Any]:
    return {"maximumAvailable": MAXIMUM, "currentlyAvailable": current, "restoreRate": RATE}


def known_bucket() -> CostBucket:
    """A full bucket, as after a first answer."""
    bucket = CostBucket()
    grant = bucket.reserve(NOON, "first", INFINITE)
    assert isinstance(grant, Grant)
    told = {"requestedQueryCost": 1, "actualQueryCost": 0, "throttleStatus": status(MAXIMUM)}
    bucket.settle(NOON, "first", grant, told)
    return bucket


cost_steps = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.integers(0, 3)),
        st.tuples(st.just("settle"), st.integers(0, 3), st.floats(0, 1), st.floats(0, 1)),
        st.tuples(st.just("lose"), st.integers(0, 3)),
        st.tuples(st.just("pass"), st.floats(0, 40)),
        st.tuples(st.just("back"), st.floats(0, 100_000)),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(steps=cost_steps)
def test_a_cost_bucket_never_grants_more_than_it_holds_and_regains(steps: list[tuple[Any, ...]]) -> None:
    bucket = known_bucket()
    prices = {f"d{n}": float(10**n) for n in range(4)}
    shown, passed = NOON, 0.0  # the clock's time, and the time that really passed
    waiting: list[tuple[float, Grant, str]] = []
    taken: list[tuple[float, float]] = []  # (when it starts, points)
    for step, *values in steps:
        if step == "pass":
            shown, passed = shown + values[0], passed + values[0]
        elif step == "back":
            shown -= values[0]
        elif step == "reserve":
            document = f"d{values[0]}"
            grant = bucket.reserve(shown, document, INFINITE)
            assert isinstance(grant, Grant)
            waiting.append((passed + grant.wait, grant, document))
            taken.append((passed + grant.wait, grant.cost))
        elif waiting:
            start, grant, document = waiting.pop(values[0] % len(waiting))
            if step == "settle":
                paid = values[1] * grant.cost
                taken.append((start, paid - grant.cost))
                cost = {"requestedQueryCost": prices[document], "actualQueryCost": paid}
                told = cost | {"throttleStatus": status(values[2] * MAXIMUM)}
                bucket.settle(shown, document, grant, told)
    for start, _ in taken:
        granted = sum(points for at, points in taken if at <= start)
        assert granted <= MAXIMUM + RATE * start + 1e-6 * (1 + start)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0, 100_000), min_size=1, max_size=10))
def test_a_clock_that_jumps_back_stops_nothing(jumps: list[float]) -> None:
    cost, count = known_bucket(), CountBucket(per_minute=5)
    now = NOON
    for jump in jumps:
        now -= jump
        for wait in (cost.reserve(now, "d", INFINITE).wait, count.reserve(now, INFINITE).wait):
            # Never more than all that was asked for takes by the rate.
            assert wait <= max(100 * len(jumps) / RATE, (len(jumps) // 5 + 1) * 65)


arrivals = st.lists(
    st.tuples(st.floats(0, 30) | st.just(0.0), st.floats(0, ARRIVAL_SECONDS), st.floats(0, 5_000) | st.just(0.0)),
    min_size=1,
    max_size=150,
)


@settings(max_examples=200, deadline=None)
@given(arrivals, st.integers(1, 25))
@example([(0.0, ARRIVAL_SECONDS, 0.0)] * 10 + [(0.0, 0.0, 0.0)] * 20, 10)
@example([(0.49, 0.0, 0.0)] * 100, 7)
def test_no_minute_as_google_counts_it_holds_more_calls_than_allowed(
    calls: list[tuple[float, float, float]], per_minute: int
) -> None:
    bucket = CountBucket(per_minute=per_minute)
    shown, passed = NOON, 0.0
    arrived = []
    for gap, on_its_way, back in calls:
        shown, passed = shown + gap - back, passed + gap
        grant = bucket.reserve(shown, INFINITE)
        assert isinstance(grant, Grant)
        arrived.append(passed + grant.wait + on_its_way)
    instant = [0.0]
    server = MinuteLimit(per_minute, clock=lambda: instant[0])
    for moment in sorted(arrived):
        instant[0] = moment
        assert server.take() == 0


def test_a_minutes_worth_goes_out_at_once_and_the_rate_is_kept_up_after_it() -> None:
    bucket = CountBucket(per_minute=120)
    waits = [bucket.reserve(NOON, INFINITE).wait for _ in range(361)]
    assert waits[:120] == [0.0] * 120
    # 62.5 s instead of 60: what calls may take to arrive.
    assert [waits[120], waits[240], waits[360]] == [62.5, 125.0, 187.5]


def test_a_call_that_was_long_on_its_way_counts_from_its_answer() -> None:
    bucket = CountBucket(per_minute=1)
    grant = bucket.reserve(NOON, INFINITE)
    assert isinstance(grant, Grant)
    bucket.arrived(NOON + 30, grant)
    assert bucket.reserve(NOON + 31, INFINITE).wait == 61.5


def test_a_day_has_so_many_calls_and_ends_at_pacific_midnight() -> None:
    bucket = CountBucket(per_minute=1000, per_day=3)
    assert [type(bucket.reserve(NOON, INFINITE)) for _ in range(4)] == [Grant, Grant, Grant, Refusal]
    left = until_midnight(NOON)
    assert 0 < left <= 90_000
    assert pacific_day(NOON + left - 1) == pacific_day(NOON) < pacific_day(NOON + left)
    assert isinstance(bucket.reserve(NOON + left - 1, INFINITE), Refusal)
    assert isinstance(bucket.reserve(NOON + left, INFINITE), Grant)


def test_what_cannot_be_granted_in_time_takes_nothing() -> None:
    cost, count = known_bucket(), CountBucket(per_minute=1)
    cost.available = 0.0
    assert cost.reserve(NOON, "d", 1.0) == Refusal(2.0, "points are used up")
    assert cost.available == 0.0
    count.reserve(NOON, 1.0)
    assert isinstance(count.reserve(NOON, 1.0), Refusal)
    assert sum(calls for _, calls in count.slots) == 1


def test_a_pause_stops_everything_for_as_long_as_it_was_asked() -> None:
    for bucket in (known_bucket(), CountBucket(per_minute=100)):
        bucket.pause(NOON, 30.0, "requested pause lasts")
        bucket.pause(NOON, 5.0, "a shorter one changes nothing")
        assert bucket.paused(NOON + 10) == 20.0
        found = (
            bucket.reserve(NOON + 10, "d", 5.0)
            if isinstance(bucket, CostBucket)
            else bucket.reserve(NOON + 10, 5.0)
        )
        assert found == Refusal(20.0, "requested pause lasts")
        assert bucket.free_at() == NOON + 30


def test_before_the_first_answer_nothing_waits_and_what_was_asked_meanwhile_is_not_forgotten() -> None:
    bucket = CostBucket()
    grants = [bucket.reserve(NOON, "d", INFINITE) for _ in range(3)]
    assert [grant.wait for grant in grants] == [0.0] * 3
    assert isinstance(grants[0], Grant)
    told = {"requestedQueryCost": 100, "actualQueryCost": 40, "throttleStatus": status(960)}
    bucket.settle(NOON, "d", grants[0], told)
    assert bucket.available == 960 - 200


def test_however_long_nothing_was_asked_one_bucketful_is_all_that_is_had_at_once() -> None:
    bucket = known_bucket()
    bucket.costs["d"] = [100.0, 100.0]
    later = NOON + 100_000
    assert [bucket.reserve(later, "d", INFINITE).wait for _ in range(12)] == [0.0] * 10 + [2.0, 4.0]


def test_what_shopify_says_is_left_lowers_ours() -> None:
    bucket = known_bucket()
    grant = bucket.reserve(NOON, "d", INFINITE)
    assert isinstance(grant, Grant)
    told = {"requestedQueryCost": 100, "actualQueryCost": 100, "throttleStatus": status(200)}
    bucket.settle(NOON, "d", grant, told)
    assert bucket.available == 200
    assert bucket.refill_seconds("d") == 0
