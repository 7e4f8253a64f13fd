"""An action in full: a chart of what it rests on, and the request with its buttons."""

from __future__ import annotations

import asyncio

from growth_pipelines.telegram.cards import Cards
from growth_pipelines.telegram.charts import chart
from growth_pipelines.telegram.desk import Case, Speaker
from growth_pipelines.telegram.messages import say
from growth_pipelines.telegram.sending import Undeliverable
from growth_pipelines.telemetry import logger


async def send_details(cards: Cards, chat_id: int, case: Case, reader: Speaker) -> None:
    """Send both; a picture that can't be sent keeps nobody from the request."""
    try:
        png = await asyncio.to_thread(chart, case.action, cards.desk.settings.currency)
        await cards.sender.photo(chat_id, png, say("chart"))
    except (Undeliverable, ValueError) as error:
        logger("telegram").warning("chart not sent", why=str(error))
    await cards.show(chat_id, case, reader)
