"""The language model that the settings name."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from growth_pipelines.errors import SettingsError
from growth_pipelines.language_models.http import Anthropic, HttpModel, OpenAiCompatible
from growth_pipelines.settings import Settings

HOSTS = {"openai": "https://api.openai.com", "anthropic": "https://api.anthropic.com"}


@dataclass
class Remembered:
    """A model whose answers are kept in a folder: the same prompt is asked once, so that a draft stays the same
    from day to day and a decision on it holds."""

    model: HttpModel
    folder: Path

    @property
    def name(self) -> str:
        return self.model.name

    def complete(self, prompt: str) -> str:
        """The kept answer, else the model's. Raises GrowthError when there is none."""
        asked = hashlib.sha256(json.dumps([self.name, prompt]).encode()).hexdigest()
        kept = self.folder / f"{asked}.txt"
        if kept.is_file():
            return kept.read_text(encoding="utf-8")
        answer = self.model.complete(prompt)
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".part")
        partial.write_text(answer, encoding="utf-8")
        partial.replace(kept)
        return answer


def configured_model(settings: Settings) -> Remembered | None:
    """The model of ``GROWTH_CONTENT__…``, or None. Raises SettingsError when a part of it is missing."""
    content = settings.content
    if content.provider == "none":
        return None
    if not content.model:
        raise SettingsError(
            f"GROWTH_CONTENT__PROVIDER is {content.provider}, but GROWTH_CONTENT__MODEL is not set.",
            "Name the model, or set the provider to none.",
        )
    key = content.api_key.get_secret_value()
    adapter: type[HttpModel] = OpenAiCompatible if content.provider == "openai" else Anthropic
    base_url = content.base_url or HOSTS[content.provider]
    model = adapter(base_url, key, content.model, content.timeout_seconds)
    return Remembered(model, settings.home / "wordings")
