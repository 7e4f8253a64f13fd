"""The buttons under a message, by what may be done there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from growth_pipelines.console.labels import label
from growth_pipelines.policies.terms import ChatMode
from growth_pipelines.telegram.buttons import BUTTON_LASTS, CONFIRM_LASTS, Button, Tap, nonce, packed
from growth_pipelines.telegram.messages import texts

# The reasons as a button carries them.
REASON_CODES: Mapping[str, str] = {
    "i": "incorrect",
    "n": "not_relevant",
    "t": "tone",
    "r": "too_risky",
    "o": "other",
}


@dataclass(frozen=True)
class Keys:
    """Makes the buttons of one chat at one time. ``console_url`` is a link only where Telegram takes it as one."""

    key: bytes
    chat_id: int
    now: datetime
    console_url: str
    defer_days: int

    def request(self, action: Mapping[str, Any], confirm: ChatMode, *, decides: bool) -> InlineKeyboardMarkup:
        """Under a request: what the reader may do about it."""
        rows: list[list[InlineKeyboardButton]] = []
        if decides and confirm != "console":
            rows.append([self._button(action, "approve"), self._button(action, "ask_reason")])
            rows.append([self._button(action, "defer"), self._button(action, "details")])
        else:
            rows.append([self._button(action, "details")])
        return InlineKeyboardMarkup(rows + self._console(action))

    def confirmation(self, action: Mapping[str, Any]) -> InlineKeyboardMarkup:
        """The second question, for two minutes."""
        sure = self._button(action, "confirm", extra=nonce(), lasts=CONFIRM_LASTS)
        return InlineKeyboardMarkup([[sure], [self._button(action, "back")]])

    def reasons(self, action: Mapping[str, Any]) -> InlineKeyboardMarkup:
        """Why it is rejected."""
        asked = [
            [self._button(action, "reject", extra=code, text=label("reasons", reason))]
            for code, reason in REASON_CODES.items()
        ]
        return InlineKeyboardMarkup([*asked, [self._button(action, "back")]])

    def numbers(self, actions: Sequence[Mapping[str, Any]]) -> InlineKeyboardMarkup | None:
        """One numbered button an action of a list, for its details."""
        made = [self._button(action, "details", text=str(place)) for place, action in enumerate(actions, start=1)]
        return InlineKeyboardMarkup([made[i : i + 5] for i in range(0, len(made), 5)]) if made else None

    def _button(
        self,
        action: Mapping[str, Any],
        tap: Tap,
        *,
        extra: str = "",
        text: str = "",
        lasts: timedelta = BUTTON_LASTS,
    ) -> InlineKeyboardButton:
        button = Button(action["ref"], tap, action["digest"], self.now + lasts, extra)
        name = "defer_one" if tap == "defer" and self.defer_days == 1 else tap
        said = text or texts()["buttons"][name].format(days=self.defer_days)
        return InlineKeyboardButton(said, callback_data=packed(self.key, self.chat_id, button))

    def _console(self, action: Mapping[str, Any]) -> list[list[InlineKeyboardButton]]:
        if not is_public(self.console_url):
            return []
        url = f"{self.console_url}/actions/{action['ref']}"
        return [[InlineKeyboardButton(texts()["buttons"]["console"], url=url)]]


def is_public(url: str) -> bool:
    """Whether Telegram takes it as a button's link: it refuses names without a dot, and loopback leads nowhere."""
    host = urlsplit(url).hostname or ""
    return "." in host and not host.startswith("127.") and host != "0.0.0.0"  # noqa: S104 - compared with
