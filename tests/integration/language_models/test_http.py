"""Both adapters against a real local server with faults, and what becomes of the text."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.content.habits import NO_HABITS, Habits
from growth_pipelines.content.rewording import reworded
from growth_pipelines.errors import GrowthError, SettingsError
from growth_pipelines.language_models.configured import configured_model
from growth_pipelines.language_models.http import Anthropic, OpenAiCompatible
from growth_pipelines.recommenders.context import MetaobjectGenConfig, RecommenderContext
from growth_pipelines.recommenders.registry import RECOMMENDERS
from growth_pipelines.recommenders.rewording import worded
from growth_pipelines.settings import load_settings
from tests.catalogue_frames import frames_of, pumps, searched

KEY = "sk-test-1234567890"
TEXT = "Looking for a fuel pump? These pumps have a check valve, a filter sock and a wiring pigtail for you."
BETTER = "A fuel pump for you: each of these pumps has a check valve, a wiring pigtail and a filter sock, too."


@dataclass
class Server:
    """Answers with ``status`` and ``body``; keeps what it was asked."""

    status: int = 200
    body: Any = None
    delay: float = 0.0
    asked: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    base_url: str = ""

    def says(self, text: str, **more: Any) -> None:
        """The same answer in both shapes."""
        choice = {"message": {"content": text}, "finish_reason": more.get("finish_reason", "stop")}
        block = {"type": "text", "text": text}
        self.body = {"choices": [choice], "content": [block], "stop_reason": more.get("stop_reason", "end_turn")}


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}, asked))
            time.sleep(state.delay)
            content = state.body if isinstance(state.body, bytes) else json.dumps(state.body).encode()
            self.send_response(state.status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
    state.base_url = f"http://127.0.0.1:{http.server_port}"
    yield state
    http.shutdown()
    http.server_close()


ADAPTERS = pytest.mark.parametrize("adapter", [OpenAiCompatible, Anthropic])
Adapter = Callable[..., OpenAiCompatible | Anthropic]


@ADAPTERS
def test_each_speaks_its_protocol(server: Server, adapter: Adapter) -> None:
    server.says("Hello")
    assert adapter(server.base_url, KEY, "small-1").complete("Say hello") == "Hello"
    [(path, headers, asked)] = server.asked
    assert asked["model"] == "small-1"
    assert asked["messages"] == [{"role": "user", "content": "Say hello"}]
    if adapter is OpenAiCompatible:
        assert (path, headers["authorization"]) == ("/v1/chat/completions", f"Bearer {KEY}")
    else:
        assert (path, headers["x-api-key"], headers["anthropic-version"]) == ("/v1/messages", KEY, "2023-06-01")


def fault(server: Server, name: str) -> None:
    server.says("Hello")
    if name == "slow":
        server.delay = 1.0
    elif name == "cut short":
        server.says("Hel", finish_reason="length", stop_reason="max_tokens")
    elif name == "refused":
        server.says("", finish_reason="content_filter", stop_reason="refusal")
    elif name == "empty":
        server.says("  ")
    elif name == "html":
        server.body = b"<html>busy</html>"
    elif name == "other shape":
        server.body = {"choices": [], "content": {}}
    elif name == "list":
        server.body = []
    else:
        server.status, server.body = int(name), {"error": f"no, and your key is {KEY}"}


FAULTS = [
    "slow",
    "cut short",
    "refused",
    "empty",
    "html",
    "other shape",
    "list",
    "400",
    "401",
    "429",
    "500",
    "529",
]


@ADAPTERS
@pytest.mark.parametrize("name", FAULTS)
def test_after_a_fault_the_template_stands_and_no_key_is_shown(
    server: Server, adapter: Adapter, name: str
) -> None:
    fault(server, name)
    model = adapter(server.base_url, KEY, "small-1", 0.3)
    with pytest.raises(GrowthError) as raised:
        model.complete("Say hello")
    assert KEY not in str(raised.value)
    written = reworded(TEXT, "faq", {"evidence": TEXT}, model)
    assert (written.text, written.by) == (TEXT, "template")
    assert written.refused
    assert len(server.asked) == 2, "it is asked once a text"


def test_nobody_at_home_is_a_fault_too() -> None:
    model = OpenAiCompatible("http://127.0.0.1:9", KEY, "small-1", 1.0)
    assert reworded(TEXT, "faq", {"evidence": TEXT}, model).by == "template"


def test_a_better_wording_is_taken_and_labelled(server: Server) -> None:
    server.says(BETTER)
    written = reworded(TEXT, "faq", {"evidence": TEXT}, OpenAiCompatible(server.base_url, "", "small-1"))
    assert (written.text, written.by) == (BETTER, "small-1"), written.refused


@pytest.mark.parametrize(
    "answer",
    [
        BETTER.replace("fuel pump for", "255 lph fuel pump for"),
        BETTER.replace("for you", "for your Camaro"),
        f"{BETTER} Only $99.",
        f"{BETTER} Put sealant on the AN threads.",
        f"{BETTER} The best there is.",
        BETTER.replace("fuel pump", "cheap fuel pump"),
        f"<b>{BETTER}</b>",
        BETTER * 10,
    ],
    ids=["figure", "fitment", "price", "sealant", "superlative", "term", "markup", "too long"],
)
def test_a_wording_that_says_something_new_is_refused(server: Server, answer: str) -> None:
    server.says(answer)
    written = reworded(TEXT, "faq", {"evidence": TEXT}, OpenAiCompatible(server.base_url, "", "small-1"))
    assert (written.text, written.by) == (TEXT, "template")
    assert written.refused


def _landing_draft(habits: Habits = NO_HABITS) -> Any:
    context = RecommenderContext(
        date(2026, 11, 22), "Hot Rod Parts", "https://www.hotrodparts.example", "USD", habits=habits
    )
    drafts = RECOMMENDERS["metaobject_gen"].recommend(
        searched(frames_of(*pumps())), context, MetaobjectGenConfig()
    )
    return next(draft for draft in drafts if draft.subtype == "landing_page")


def test_a_draft_says_who_worded_it(server: Server) -> None:
    draft = _landing_draft()
    intro = draft.draft["entries"][0]["fields"]["intro"]
    better = intro.replace("Looking for", "Are you looking for")
    server.says(better)
    [changed] = worded([draft], OpenAiCompatible(server.base_url, "", "small-1"), "en")
    assert changed.draft["entries"][0]["fields"]["intro"] == better
    assert changed.draft["worded_by"] == "small-1"
    assert "worded by small-1" in changed.labels
    assert any(better in change.after for change in changed.diff)


def test_a_model_is_told_what_operators_take_out_and_may_not_say_it(server: Server) -> None:
    habits = Habits(avoided=frozenset({"compare", "searching"}), calmer=True)
    model = OpenAiCompatible(server.base_url, "", "small-1")
    draft = _landing_draft(habits)
    intro = draft.draft["entries"][0]["fields"]["intro"]
    assert draft.draft["habits"]["intro"]["missed"] == ["avoid:compare"]
    server.says(intro.replace("Looking for", "Searching for"))
    [kept] = worded([draft], model, "en", habits=habits)
    assert kept.draft == draft.draft
    assert "what operators take out" in kept.checks[-1].note
    assert "Do without these words: compare, searching. Use no exclamation mark." in str(server.asked[-1])

    server.says(intro.replace("Compare the sizes", "Hold the sizes"))
    [changed] = worded([draft], model, "en", habits=habits)
    assert changed.draft["worded_by"] == "small-1"
    assert "intro" not in changed.draft["habits"], "the model's words do without it"
    assert "(introduction)" not in " ".join(check.note for check in changed.checks)


def test_a_draft_whose_new_words_are_refused_stays_as_it_is(server: Server) -> None:
    draft = _landing_draft()
    server.says("Fits every Camaro at 99 psi.")
    [kept] = worded([draft], OpenAiCompatible(server.base_url, "", "small-1"), "en")
    assert (kept.draft, kept.diff, kept.labels) == (draft.draft, draft.diff, draft.labels)
    assert "template" in kept.checks[-1].note


def test_the_settings_name_the_model_and_an_answer_is_asked_for_once(server: Server, tmp_path: Path) -> None:
    home = {"GROWTH_HOME": str(tmp_path)}
    assert configured_model(load_settings(home)) is None
    named = {"GROWTH_CONTENT__PROVIDER": "openai", "GROWTH_CONTENT__BASE_URL": server.base_url}
    with pytest.raises(SettingsError, match="GROWTH_CONTENT__MODEL"):
        configured_model(load_settings({**home, **named}))
    server.says("Hello")
    for _ in range(2):
        model = configured_model(load_settings({**home, **named, "GROWTH_CONTENT__MODEL": "small-1"}))
        assert model is not None
        assert model.complete("Say hello") == "Hello"
    assert len(server.asked) == 1
