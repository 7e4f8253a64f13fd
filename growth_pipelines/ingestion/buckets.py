"""How much may be asked of an API, as arithmetic on an instant: no clock, no file, no waiting.

Two kinds. A cost bucket (Shopify) refills by so many points a second, and what the API answers corrects it.
A count (Google) allows so many calls in any minute, and so many a day. In both, reserving takes at once: the
caller then waits as long as it was told, and nothing has to be given back when it dies meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

# What a document is assumed to cost before Shopify has said so.
UNKNOWN_COST = 100.0
# Documents whose costs are kept; beyond it the oldest go.
DOCUMENTS_KEPT = 500
SLOT_SECONDS = 0.5
# A call counts at Google when it arrives there. One that is on its way for longer than this is counted anew.
ARRIVAL_SECONDS = 2.0
WINDOW_SLOTS = round((60 + ARRIVAL_SECONDS) / SLOT_SECONDS) + 1
LONGEST_PAUSE_SECONDS = 86_400.0
# Google's days of quota are Pacific.
QUOTA_ZONE = ZoneInfo("America/Los_Angeles")


@dataclass(frozen=True)
class Grant:
    """Leave to send one request after ``wait`` seconds. ``slot`` is where a count wrote it down."""

    wait: float
    cost: float
    slot: int = 0


@dataclass(frozen=True)
class Refusal:
    """No leave within the patience given: ``wait`` seconds are needed, because of ``why``. Nothing was taken."""

    wait: float
    why: str


@dataclass
class Bucket:
    """What both kinds have: an instant up to which they are reckoned, a pause, and what the day has used.

    Instants are seconds since 1970 by the machine's clock. A clock that jumps back is followed: no time has
    passed then, and what is planned ahead stays as far ahead.
    """

    kind: ClassVar[str] = ""
    as_of: float = 0.0
    paused_until: float = 0.0
    paused_why: str = ""
    day: str = ""
    used_today: float = 0.0

    def advance(self, now: float) -> None:
        """Reckon up to ``now``."""
        if now < self.as_of:
            self.move(now - self.as_of)
        self.as_of = now
        today = pacific_day(now)
        if today > self.day:
            self.used_today = 0.0
        self.day = today

    def move(self, seconds: float) -> None:
        """Follow a clock that was put back (``seconds`` < 0)."""
        self.paused_until += seconds

    def pause(self, now: float, seconds: float, why: str) -> None:
        """Nothing more goes out for ``seconds``, whoever asks. A longer pause that runs already stays."""
        self.advance(now)
        until = now + min(seconds, LONGEST_PAUSE_SECONDS)
        if until > self.paused_until:
            self.paused_until, self.paused_why = until, why

    def paused(self, now: float) -> float:
        """Seconds left of a pause."""
        return max(0.0, min(self.paused_until - now, LONGEST_PAUSE_SECONDS))

    def free_at(self) -> float:
        """From when on a request would not wait; never before ``as_of``."""
        raise NotImplementedError


@dataclass
class CostBucket(Bucket):
    """Shopify's bucket, mirrored. Until the first answer nothing waits, because nothing is known.

    ``available`` is negative while requests are planned ahead. ``costs`` holds (requested, actual) points as last
    told for each document, ``page_sizes`` the sizes that pages were cut to.
    """

    kind: ClassVar[str] = "cost"
    restore_rate: float = 0.0
    maximum: float = 0.0
    available: float = 0.0
    costs: dict[str, list[float]] = field(default_factory=dict)
    page_sizes: dict[str, int] = field(default_factory=dict)

    def advance(self, now: float) -> None:
        elapsed = max(0.0, now - self.as_of)
        super().advance(now)
        if self.restore_rate:
            self.available = min(self.maximum, self.available + elapsed * self.restore_rate)

    def expected(self, document: str) -> float:
        """The points that a request is taken to need. More than the bucket holds would never come."""
        known = self.costs.get(document)
        cost = known[0] if known else UNKNOWN_COST
        return min(cost, self.maximum) if self.maximum else cost

    def reserve(self, now: float, document: str, patience: float) -> Grant | Refusal:
        self.advance(now)
        cost = self.expected(document)
        wait = max(0.0, (cost - self.available) / self.restore_rate) if self.restore_rate else 0.0
        why = "points are used up"
        if self.paused(now) > wait:
            wait, why = self.paused(now), self.paused_why
        if wait > patience:
            return Refusal(wait, why)
        self.available -= cost
        self.used_today += cost
        return Grant(wait, cost)

    def settle(self, now: float, document: str, grant: Grant, told: Mapping[str, Any]) -> None:
        """Correct by an answer's ``extensions.cost``; an empty one means that nothing was run.

        A request whose answer was lost keeps what it took: it may have been paid for, and the bucket refills.
        """
        self.advance(now)
        requested, paid = _number(told.get("requestedQueryCost")), _number(told.get("actualQueryCost"))
        if requested:
            self.costs.pop(document, None)
            self.costs[document] = [requested, paid]
            while len(self.costs) > DOCUMENTS_KEPT:
                del self.costs[next(iter(self.costs))]
        others = self.available + grant.cost
        self.available = others - paid
        self.used_today += paid - grant.cost
        status = told.get("throttleStatus") or {}
        rate, current = _number(status.get("restoreRate")), _number(status.get("currentlyAvailable"))
        if rate:
            # What others took meanwhile is not known to Shopify yet, so its figure can only lower ours. Before
            # the first figure, what others took is all that is known.
            self.available = min(self.available, current) if self.restore_rate else current + min(0.0, others)
            self.restore_rate, self.maximum = rate, _number(status.get("maximumAvailable"))
            self.available = min(self.available, self.maximum)

    def refill_seconds(self, document: str) -> float:
        """Until the bucket holds what ``document`` needs."""
        lacking = self.expected(document) - self.available
        return max(0.0, lacking / self.restore_rate) if self.restore_rate else 1.0

    def free_at(self) -> float:
        debt = max(0.0, -self.available) / self.restore_rate if self.restore_rate else 0.0
        return max(self.as_of + debt, self.paused_until)


@dataclass
class CountBucket(Bucket):
    """At most ``per_minute`` calls in any minute, at once if need be, and ``per_day`` a day (0: any number).

    ``slots`` holds [half second since 1970, calls in it], oldest first, as far back as a minute reaches and as
    far ahead as calls are planned. A call may start where the minute before it, widened by the time that calls
    take to arrive, has room.
    """

    kind: ClassVar[str] = "count"
    per_minute: int = 0
    per_day: int = 0
    slots: list[list[int]] = field(default_factory=list)

    def advance(self, now: float) -> None:
        super().advance(now)
        oldest = int(now / SLOT_SECONDS) - WINDOW_SLOTS
        self.slots = [slot for slot in self.slots if slot[0] > oldest]

    def move(self, seconds: float) -> None:
        super().move(seconds)
        # Rounded up: a call must not seem older than it is.
        back = int(-seconds / SLOT_SECONDS)
        self.slots = [[number - back, calls] for number, calls in self.slots]

    def reserve(self, now: float, patience: float) -> Grant | Refusal:
        self.advance(now)
        if self.per_day and self.used_today >= self.per_day:
            return Refusal(until_midnight(now), "quota of the day is used up")
        # Calls go out in the order in which they asked, so only the minute before this one can be full.
        earliest = max(now, self.paused_until)
        slot = max(int(earliest / SLOT_SECONDS), self.slots[-1][0] if self.slots else 0)
        inside = [list(entry) for entry in self.slots if entry[0] > slot - WINDOW_SLOTS]
        total = sum(calls for _, calls in inside)
        for number, calls in inside:
            if total < self.per_minute:
                break
            total -= calls
            slot = max(slot, number + WINDOW_SLOTS)
        wait = max(0.0, earliest - now, slot * SLOT_SECONDS - now)
        if wait > patience:
            paused = self.paused(now) >= wait
            return Refusal(wait, self.paused_why if paused else f"rate of {self.per_minute} a minute is used up")
        self._count(slot)
        self.used_today += 1
        return Grant(wait, 1.0, slot)

    def arrived(self, now: float, grant: Grant) -> None:
        """Count a call where its answer came: it was long on its way, and may have arrived as late as that."""
        self.advance(now)
        for entry in self.slots:
            if entry[0] == grant.slot:
                entry[1] -= 1
        self.slots = [entry for entry in self.slots if entry[1] > 0]
        self._count(int(now / SLOT_SECONDS))

    def _count(self, slot: int) -> None:
        for entry in self.slots:
            if entry[0] == slot:
                entry[1] += 1
                return
        self.slots.append([slot, 1])
        self.slots.sort()

    @property
    def available(self) -> float:
        return max(0.0, self.per_minute - sum(calls for _, calls in self.slots))

    def free_at(self) -> float:
        if self.per_day and self.used_today >= self.per_day:
            return self.as_of + until_midnight(self.as_of)
        planned = self.slots[-1][0] * SLOT_SECONDS if self.slots else 0.0
        oldest = (self.slots[0][0] + WINDOW_SLOTS) * SLOT_SECONDS if self.slots and not self.available else 0.0
        return max(self.as_of, self.paused_until, planned, oldest)


def pacific_day(now: float) -> str:
    """The Pacific date of an instant, ISO 8601."""
    return datetime.fromtimestamp(now, QUOTA_ZONE).date().isoformat()


def until_midnight(now: float) -> float:
    """Seconds until the next Pacific day begins."""
    here = datetime.fromtimestamp(now, QUOTA_ZONE)
    midnight = datetime.combine(here.date() + timedelta(days=1), datetime.min.time(), QUOTA_ZONE)
    return (midnight.astimezone(UTC) - here.astimezone(UTC)).total_seconds()


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
