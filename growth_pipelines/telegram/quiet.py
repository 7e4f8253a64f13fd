"""When a chat may be rung: by priority, quiet hours and what its operator muted. Pure."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from growth_pipelines.errors import GrowthError
from growth_pipelines.telegram.messages import say

MUTE_MOST = timedelta(days=7)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def is_quiet(now: datetime, zone: str, begins: time, ends: time) -> bool:
    """Whether ``now`` is in the quiet hours of the shop's day, which may reach over midnight; equal: never."""
    local = now.astimezone(ZoneInfo(zone)).time()
    if begins <= ends:
        return begins <= local < ends
    return local >= begins or local < ends


def rings(priority: str, *, quiet: bool, muted: bool) -> bool:
    """Whether a request makes a sound: critical ones always, high ones in waking hours, others never."""
    return priority == "critical" or (priority == "high" and not quiet and not muted)


def mute_length(text: str) -> timedelta | None:
    """``2h``, ``45m``, ``1d`` as a length; None for ``off``. Raises GrowthError for anything else."""
    said = "".join(text.split()).lower()
    if said == "off":
        return None
    found = re.fullmatch(r"(\d{1,4})([mhd])", said)
    length = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta(0)
    if not timedelta(0) < length <= MUTE_MOST:
        raise GrowthError(say("mute_how"))
    return length
