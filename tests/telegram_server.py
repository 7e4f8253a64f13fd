"""A local Bot API server that holds to Telegram's limits, keeps what it is sent, and fails when told to.

People are played with :meth:`TelegramServer.say` and :meth:`TelegramServer.click`.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import html
import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

TOKEN = "1234567890:AAHfakefakefakefakefakefakefakefake1"
BOT = {"id": 42, "is_bot": True, "first_name": "Growth", "username": "growth_bot"}
TAGS = {"b", "i", "u", "s", "code", "pre", "blockquote", "a"}


class Refusal(Exception):
    """An answer of the API that is no success."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


def too_many(retry_after: int) -> Refusal:
    return Refusal(429, f"Too Many Requests: retry after {retry_after}", retry_after=retry_after)


BLOCKED = Refusal(403, "Forbidden: bot was blocked by the user")
QUERY_TOO_OLD = Refusal(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
BROKEN = Refusal(502, "Bad Gateway")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in TAGS:
            raise Refusal(400, f"Bad Request: can't parse entities: unsupported start tag {tag}")
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise Refusal(400, f"Bad Request: can't parse entities: unexpected end tag {tag}")


def shown_text(text: str, parse_mode: str | None) -> str:
    """What the reader sees; refused as Telegram does."""
    if parse_mode == "HTML":
        tags = _Tags()
        tags.feed(text)
        if tags.open:
            raise Refusal(400, "Bad Request: can't parse entities: can't find end tag")
        text = html.unescape(re.sub(r"<[^>]+>", "", text))
    return text.strip()


def _sized(text: str, limit: int, what: str) -> str:
    if not text:
        raise Refusal(400, f"Bad Request: {what} text is empty")
    if len(text.encode("utf-16-le")) // 2 > limit:
        raise Refusal(400, f"Bad Request: {what} is too long")
    return text


def checked_markup(markup: Any) -> Any:
    """The keyboard, if Telegram would take it."""
    for button in (one for row in (markup or {}).get("inline_keyboard", []) for one in row):
        data, url = button.get("callback_data"), button.get("url")
        if data is not None and not 1 <= len(data.encode()) <= 64:
            raise Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
        if url is not None and "." not in (urlsplit(url).hostname or ""):
            raise Refusal(400, f"Bad Request: inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")
    return markup


@dataclass
class Shown:
    """A message of the bot as it stands in a chat now."""

    chat: int
    id: int
    text: str
    markup: dict[str, Any]
    silent: bool
    preview_off: bool
    photo: bytes | None = None
    date: int = 0
    edits: int = 0

    def buttons(self) -> dict[str, str]:
        """Label → callback data (or link) of the buttons under it."""
        rows = self.markup.get("inline_keyboard", [])
        return {b["text"]: b.get("callback_data") or b.get("url", "") for row in rows for b in row}


@dataclass
class TelegramServer:
    """The API and the people. ``faults[method]`` are taken one a call, before anything else happens."""

    base_url: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    messages: list[Shown] = field(default_factory=list)
    faults: dict[str, list[Refusal | float]] = field(default_factory=lambda: defaultdict(list))
    updates: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    webhook: dict[str, Any] = field(default_factory=dict)
    next_update: int = 700_000_001
    _next: int = 1
    _changed: threading.Condition = field(default_factory=threading.Condition)

    # --- what people do

    def say(
        self, user: int, text: str, *, chat: int | None = None, to: Shown | None = None, late: int = 0
    ) -> None:
        """A person writes; ``to`` is the bot's message that they answer, ``late`` the seconds in between."""
        message = self._message(user, chat or user, text)
        if to is not None:
            message["reply_to_message"] = self._as_sent(to)
            message["date"] = to.date + late
        self._update({"message": message})

    def click(self, user: int, message: Shown, label: str, *, data: str = "") -> str:
        """A person taps a button of a message (or sends other ``data``); the id that the answer is to."""
        query = f"q{len(self.calls)}-{self.next_update}"
        pressed = {
            "id": query,
            "from": _person(user),
            "message": self._as_sent(message),
            "chat_instance": "1",
            "data": data or message.buttons()[label],
        }
        self._update({"callback_query": pressed})
        return query

    def repeat(self) -> None:
        """Telegram hands the last update out once more, with its number."""
        with self._changed:
            self.updates.append(self._last_update)
            self._changed.notify_all()

    def answer_to(self, query: str, seconds: float = 30) -> dict[str, Any]:
        """What the bot answered to a tap."""
        return self.until(
            lambda: next((a for a in self.answers if a["callback_query_id"] == query), None), seconds
        )

    def in_chat(self, chat: int) -> list[Shown]:
        return [message for message in self.messages if message.chat == chat]

    def last(self, chat: int, holding: str = "", seconds: float = 30) -> Shown:
        """The newest message in a chat that holds a text."""
        return self.until(
            lambda: next((m for m in reversed(self.in_chat(chat)) if holding in m.text), None), seconds
        )

    def until(self, condition: Callable[[], Any], seconds: float = 30) -> Any:
        """What the condition comes to, once it is true."""
        end = time.monotonic() + seconds
        with self._changed:
            while not (value := condition()):
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"it never came true; calls: {self.methods()[-12:]}")
                self._changed.wait(min(left, 0.1))
            return value

    def methods(self) -> list[str]:
        return [method for method, _ in self.calls if method != "getUpdates"]

    def worked_off(self, seconds: float = 30) -> None:
        """Wait until the bot has asked for what follows the last update."""
        wanted = self.next_update
        self.until(lambda: any(p.get("offset") == wanted for m, p in self.calls if m == "getUpdates"), seconds)

    # --- what Telegram does

    def handle(self, method: str, given: dict[str, Any]) -> Any:
        with self._changed:
            self.calls.append((method, given))
            fault = self.faults[method].pop(0) if self.faults[method] else None
            self._changed.notify_all()
        if isinstance(fault, Refusal):
            raise fault
        if fault is not None:
            time.sleep(fault)
        do = getattr(self, f"_{method}", None)
        if do is None:
            raise Refusal(404, "Not Found")
        with self._changed:
            result = do(given)
            self._changed.notify_all()
        return result

    def _getMe(self, given: dict[str, Any]) -> Any:
        return BOT

    def _getUpdates(self, given: dict[str, Any]) -> Any:
        if self.webhook:
            raise Refusal(409, "Conflict: can't use getUpdates method while webhook is active")
        offset, end = given.get("offset", 0), time.monotonic() + given.get("timeout", 0)
        self.updates = [update for update in self.updates if update["update_id"] >= offset or update.get("again")]
        while not self.updates and time.monotonic() < end and not self.webhook:
            self._changed.wait(0.05)
        found, self.updates = self.updates[:100], [u for u in self.updates if not u.get("again")]
        return [{k: v for k, v in update.items() if k != "again"} for update in found]

    def _sendMessage(self, given: dict[str, Any]) -> Any:
        text = _sized(shown_text(given["text"], given.get("parse_mode")), 4096, "message")
        return self._send(given, text)

    def _sendPhoto(self, given: dict[str, Any]) -> Any:
        caption = shown_text(given.get("caption", ""), given.get("parse_mode"))
        if len(caption) > 1024:
            raise Refusal(400, "Bad Request: message caption is too long")
        return self._send(given, caption, given["photo"])

    def _send(self, given: dict[str, Any], text: str, photo: bytes | None = None) -> Any:
        markup = checked_markup(given.get("reply_markup"))
        preview_off = bool((given.get("link_preview_options") or {}).get("is_disabled"))
        silent = bool(given.get("disable_notification"))
        message = Shown(given["chat_id"], self._next, text, markup or {}, silent, preview_off, photo)
        message.date = int(time.time())
        self._next += 1
        self.messages.append(message)
        return self._as_sent(message)

    def _editMessageText(self, given: dict[str, Any]) -> Any:
        text = _sized(shown_text(given["text"], given.get("parse_mode")), 4096, "message")
        return self._edit(given, text)

    def _editMessageCaption(self, given: dict[str, Any]) -> Any:
        return self._edit(given, shown_text(given.get("caption", ""), given.get("parse_mode")))

    def _editMessageReplyMarkup(self, given: dict[str, Any]) -> Any:
        return self._edit(given, None)

    def _edit(self, given: dict[str, Any], text: str | None) -> Any:
        where = (given["chat_id"], given["message_id"])
        message = next((m for m in self.messages if (m.chat, m.id) == where), None)
        if message is None:
            raise Refusal(400, "Bad Request: message to edit not found")
        markup = checked_markup(given.get("reply_markup")) or {}
        if (text is None or text == message.text) and markup == message.markup:
            raise Refusal(400, "Bad Request: message is not modified: specified new message content is the same")
        if text is not None:
            message.text = text
            message.preview_off = bool((given.get("link_preview_options") or {}).get("is_disabled"))
        message.markup = markup
        message.edits += 1
        return self._as_sent(message)

    def _answerCallbackQuery(self, given: dict[str, Any]) -> Any:
        if len(given.get("text", "")) > 200:
            raise Refusal(400, "Bad Request: MESSAGE_TOO_LONG")
        self.answers.append(given)
        return True

    def _setWebhook(self, given: dict[str, Any]) -> Any:
        self.webhook = given
        return True

    def _deleteWebhook(self, given: dict[str, Any]) -> Any:
        self.webhook = {}
        return True

    def _update(self, content: dict[str, Any]) -> None:
        with self._changed:
            update = {"update_id": self.next_update, **content}
            self.next_update += 1
            self.updates.append(update)
            self._last_update = {**update, "again": True}
            self._changed.notify_all()

    def _message(self, user: int, chat: int, text: str) -> dict[str, Any]:
        self._next += 1
        entities = (
            [{"type": "bot_command", "offset": 0, "length": len(text.split()[0])}] if text[:1] == "/" else []
        )
        kind = "private" if chat == user else "supergroup"
        place = {"id": chat, "type": kind, "title": "x", "first_name": "x"}
        return {
            "message_id": self._next,
            "date": int(time.time()),
            "chat": place,
            "from": _person(user),
            "text": text,
            "entities": entities,
        }

    def _as_sent(self, message: Shown) -> dict[str, Any]:
        kind = "private" if message.chat > 0 else "supergroup"
        chat = {"id": message.chat, "type": kind, "title": "x", "first_name": "x"}
        sent = {"message_id": message.id, "date": message.date, "chat": chat, "from": BOT, "text": message.text}
        if "inline_keyboard" in message.markup:
            sent["reply_markup"] = message.markup
        return sent


def _person(user: int) -> dict[str, Any]:
    return {"id": user, "is_bot": False, "first_name": f"Person {user}"}


def _given(content_type: str, body: bytes) -> dict[str, Any]:
    """The parameters of a call, decoded as Telegram does: JSON where it is JSON, text where it is text."""
    if content_type.startswith("multipart/"):
        head = f"Content-Type: {content_type}\r\n\r\n".encode()
        parsed = email.message_from_bytes(head + body, policy=email.policy.HTTP)
        fields: dict[str, Any] = {}
        for part in parsed.iter_parts():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            fields[str(name)] = content if part.get_filename() else content.decode()
        photo = fields.get("photo")
        if isinstance(photo, str) and photo.startswith("attach://"):
            fields["photo"] = fields[photo.removeprefix("attach://")]
    else:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
    texts = {"text", "caption", "callback_query_id", "url", "secret_token", "parse_mode", "photo"}
    return {name: _decoded(value) if name not in texts else value for name, value in fields.items()}


def _decoded(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


@contextmanager
def telegram_server() -> Iterator[TelegramServer]:
    """A running server, its address in ``base_url``."""
    state = TelegramServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            _, token, method = self.path.split("/")
            try:
                if token != f"bot{TOKEN}":
                    raise Refusal(401, "Unauthorized")
                result = state.handle(method, _given(self.headers.get("Content-Type", ""), body))
                status, answer = 200, {"ok": True, "result": result}
            except Refusal as refusal:
                status = refusal.code
                answer = {"ok": False, "error_code": refusal.code, "description": refusal.description}
                if refusal.parameters:
                    answer["parameters"] = refusal.parameters
            content = json.dumps(answer).encode()
            with contextlib.suppress(OSError):  # Who asked is gone.
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    state.base_url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
