"""Two adapters: servers that speak OpenAI's chat completions (hosted or local), and Anthropic's messages.

One request, sent once: a text is worth no patience, the template is at hand. Answers that are cut short, empty or
of another shape are failures, not texts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from growth_pipelines.errors import GrowthError
from growth_pipelines.transport import Transport, json_object

MOST_TOKENS = 1_000
ANTHROPIC_VERSION = "2023-06-01"


@dataclass
class HttpModel(ABC):
    """A model of a server; ``name`` labels what it wrote."""

    base_url: str
    api_key: str
    model: str
    timeout: float = 20.0

    @property
    def name(self) -> str:
        return self.model

    @abstractmethod
    def complete(self, prompt: str) -> str:
        """The answer's text. Raises GrowthError when there is none."""

    def _post(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        with Transport(self.base_url.rstrip("/"), headers, self.timeout) as transport:
            return json_object(transport.request("POST", path, json=body))


class OpenAiCompatible(HttpModel):
    """``POST {base}/v1/chat/completions`` (https://platform.openai.com/docs/api-reference/chat)."""

    def complete(self, prompt: str) -> str:
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": MOST_TOKENS,
            "temperature": 0,
        }
        answer = self._post("/v1/chat/completions", headers, body)
        choice = _first(answer.get("choices"))
        if choice.get("finish_reason") not in (None, "stop"):
            raise _no_text(f"it ended with {choice['finish_reason']}")
        return _text((choice.get("message") or {}).get("content"))


class Anthropic(HttpModel):
    """``POST {base}/v1/messages`` (https://docs.anthropic.com/en/api/messages)."""

    def complete(self, prompt: str) -> str:
        headers = {"x-api-key": self.api_key, "anthropic-version": ANTHROPIC_VERSION}
        body = {
            "model": self.model,
            "max_tokens": MOST_TOKENS,
            "temperature": 0,
            "messages": [{"role": "user", "content": prompt}],
        }
        answer = self._post("/v1/messages", headers, body)
        if answer.get("stop_reason") not in (None, "end_turn", "stop_sequence"):
            raise _no_text(f"it ended with {answer['stop_reason']}")
        return _text(_first(answer.get("content")).get("text"))


def _first(rows: Any) -> dict[str, Any]:
    if isinstance(rows, list) and rows and isinstance(rows[0], dict):
        return rows[0]
    raise _no_text("it has another shape")


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _no_text("it is empty")
    return value


def _no_text(why: str) -> GrowthError:
    return GrowthError(f"The language model gave no usable answer: {why}.", "The template's text is used.")
