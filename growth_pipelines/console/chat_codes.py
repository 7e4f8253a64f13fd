"""The code that links a chat to an operator, where the machine has chats."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from sqlalchemy.orm import Session

_CHATS = "growth_pipelines.approvals.chats"


def has_chats() -> bool:
    """Whether there is anything to link."""
    return find_spec(_CHATS) is not None


def new_chat_code(session: Session, operator: str, now: datetime) -> Any:
    """A code (``code``, ``expires_at``) that links a chat to the operator once, in the caller's transaction."""
    return import_module(_CHATS).new_code(session, operator, now)
