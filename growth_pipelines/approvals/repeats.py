"""A request that is sent again, because its answer was lost, has the answer of the first time and no effect.

The answer is stored in the transaction of the effect itself, so neither is there without the other. A request
that was refused has had no effect: it is judged anew.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from growth_pipelines.errors import GrowthError
from growth_pipelines.store.tables import IdempotencyKey

KEPT_FOR = timedelta(hours=24)


class KeyReused(GrowthError):
    """The key belongs to another request."""


def request_hash(request: Any) -> str:
    """What a key is bound to: SHA-256 of the request as plain JSON data, whatever texts are in it."""
    return hashlib.sha256(json.dumps(request, sort_keys=True, default=str).encode()).hexdigest()


def answer_before(session: Session, operator: str, key: str, request: str, now: datetime) -> dict[str, Any] | None:
    """The answer that this operator's request (its hash) with this key has had in the last 24 hours, or None.

    Raises KeyReused where the key has answered another request.
    """
    kept = session.get(IdempotencyKey, (operator, key))
    if kept is None or kept.created_at <= now - KEPT_FOR:
        return None
    if kept.request != request:
        raise KeyReused(
            "This Idempotency-Key has been used for another request.", "Make a new key for each change."
        )
    return kept.answer


def keep_answer(
    session: Session, operator: str, key: str, request: str, answer: dict[str, Any], now: datetime
) -> None:
    """Store the answer under the key, and forget those that are older than 24 hours."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at <= now - KEPT_FOR))
    session.add(IdempotencyKey(operator=operator, key=key, request=request, answer=answer, created_at=now))
    session.flush()
