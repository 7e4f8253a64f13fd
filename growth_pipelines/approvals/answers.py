"""What a decision leads to: its result, and the refusals that tell what the action is now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from growth_pipelines.errors import GrowthError


@dataclass(frozen=True)
class DecisionResult:
    """What the action is now; ``message`` is for the person, ``action`` the document that everyone shows.

    ``outcome`` is ``voted`` when the approval was counted but more people must agree; ``votes`` says how many of
    how many have, where policies ask for several.
    """

    state: str
    request_status: str
    message: str
    action: dict[str, Any]
    outcome: Literal["decided", "voted"] = "decided"
    votes: dict[str, int] | None = None


class DecisionRefused(GrowthError):
    """The decision was understood and refused; nothing changed. ``action`` is the action as it is now."""

    def __init__(self, message: str, hint: str, action: dict[str, Any]) -> None:
        super().__init__(message, hint)
        self.action = action


class StaleDigest(DecisionRefused):
    """The action has changed since it was looked at."""


class AlreadyDecided(DecisionRefused):
    """Someone was first, or time was over; the message tells who, when and through which channel."""


class TimeIsOver(AlreadyDecided):
    """The action expired before anyone decided; nothing can be decided about it any more."""


class NotAllowed(DecisionRefused):
    """The person is known, but may not decide this: their role, the policies or four eyes say so."""
