"""Logs carry a trace id and never a secret."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from growth_pipelines.telemetry import configure_logging, current_trace_id, logger, mask, trace


def test_lines_are_json_with_trace_id_and_masked_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(tmp_path, "error")
    with trace() as trace_id:
        logger("test").info("called", access_token="shpat_x", url="https://h/x?key=AIza1&b=2")
    line = json.loads((tmp_path / "growth.jsonl").read_text())
    assert line["trace_id"] == trace_id
    assert line["access_token"] == "***"
    assert line["url"] == "https://h/x?key=***&b=2"
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == ""


def test_secrets_are_masked_in_tracebacks_too(tmp_path: Path) -> None:
    configure_logging(tmp_path, "error")
    logger("test").info("failed", exc_info=ValueError("no answer from https://h/x?key=AIza1&b=2"))
    text = (tmp_path / "growth.jsonl").read_text()
    assert "key=***&b=2" in text
    assert "AIza1" not in text


def test_a_bot_s_token_is_masked_wherever_it_stands() -> None:
    token = "1234567890:AAHfakefakefakefakefakefakefakefake1"
    for text in (f"POST https://api.telegram.org/bot{token}/getMe", f"The token `{token}` was rejected"):
        assert token.partition(":")[2] not in mask(text)
    assert mask("2026-11-22T14:00:00+00:00 12:30") == "2026-11-22T14:00:00+00:00 12:30"


def test_traces_nest_and_end() -> None:
    with trace() as outer:
        with trace() as inner:
            assert inner == outer
        with trace("other") as explicit:
            assert explicit == current_trace_id() == "other"
        assert current_trace_id() == outer
    assert current_trace_id() == ""


@pytest.mark.parametrize("name", ["key", "token", "access_token"])
def test_mask(name: str) -> None:
    assert mask(f"https://h/p?a=1&{name}=s3cret&b=2") == f"https://h/p?a=1&{name}=***&b=2"


def test_a_stderr_that_is_replaced_later_gets_the_later_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr("sys.stderr", first)
    configure_logging(screen_level="warning")
    first.close()
    monkeypatch.setattr("sys.stderr", second)
    logger("test").warning("seen")
    assert "seen" in second.getvalue()
