"""Two adapters: servers that speak OpenAI's chat completions (hosted or local), and Anthropic's messages.

One request, sent once: a text is worth no patience, the template is at hand. Answers that are cut short, empty or
of another shape are failures, not texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from growth_pipelines.errors import GrowthError
from growth_pipelines.transport import Transport, json_object

MOST_TOKENS = 1_000
ANTHROPIC_VERSION = "2023-06-01"


@dataclass
class OpenAiCompatible:
    """``POST {base}/v1/chat/completions`` (https://platform.openai.com/docs/api-reference/chat)."""

    base_url: str
    api_key: str
    model: str
    timeout: float = 20.0

    @property
    def name(self) -> str:
        return self.model

    def complete(self, prompt: str) -> str:
        """The answer's text. Raises GrowthError when there is none."""
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": MOST_TOKENS,
            "temperature": 0,
        }
        answer = _post(self.base_url, "/v1/chat/completions", headers, body, self.timeout)
        choice = _first(answer.get("choices"))
        if choice.get("finish_reason") not in (None, "stop"):
            raise _no_text(f"it ended with {choice['finish_reason']}")
        return _text((choice.get("message") or {}).get("content"))


@dataclass
class Anthropic:
    """``POST {base}/v1/messages`` (https://docs.anthropic.com/en/api/messages)."""

    base_url: str
    api_key: str
    model: str
    timeout: float = 20.0

    @property
    def name(self) -> str:
        return self.model

    def complete(self, prompt: str) -> str:
        """The answer's text. Raises GrowthError when there is none."""
        headers = {"x-api-key": self.api_key, "anthropic-version": ANTHROPIC_VERSION}
        body = {
            "model": self.model,
            "max_tokens": MOST_TOKENS,
            "temperature": 0,
            "messages": [{"role": "user", "content": prompt}],
        }
        answer = _post(self.base_url, "/v1/messages", headers, body, self.timeout)
        if answer.get("stop_reason") not in (None, "end_turn", "stop_sequence"):
            raise _no_text(f"it ended with {answer['stop_reason']}")
        return _text(_first(answer.get("content")).get("text"))


def _post(
    base_url: str, path: str, headers: dict[str, str], body: dict[str, Any], timeout: float
) -> dict[str, Any]:
    with Transport(base_url.rstrip("/"), headers, timeout) as transport:
        return json_object(transport.request("POST", path, json=body))


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
