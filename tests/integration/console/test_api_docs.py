"""docs/api.md: its commands work as they stand, and its lists are complete."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from growth_pipelines.approvals.tokens import SCOPES
from growth_pipelines.console.problems import TITLES
from growth_pipelines.store.tables import Action, AuditEvent
from tests.console_shop import NOW, ConsoleShop

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")


@pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("jq")), reason="the page's commands need curl and jq"
)
def test_the_commands_of_the_page_do_what_it_says(console: ConsoleShop, tmp_path: Path):
    blocks = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    script = "\n".join(blocks).replace("base=http://127.0.0.1:8800", f"base={console.base_url}")
    growth = f'growth() {{ "{sys.executable}" -m growth_pipelines "$@"; }}\n'
    settings = {"GROWTH_HOME": str(console.settings.home), "GROWTH_NOW": NOW.isoformat()}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", growth + script],
        env={**os.environ, **settings, "no_proxy": "127.0.0.1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '{"operator":"maria","channel":"api","scopes":["decide:approvals"' in done.stdout
    assert '{"outcome":"decided","state":"approved"}' in done.stdout
    assert done.stdout.count('"outcome":"done"') == 3
    assert '"type":"urn:growth:problem:not-suppressed"' in done.stdout
    assert '"answered":4' in done.stdout
    assert '{"key":"trust-badges","status":"draft"}' in done.stdout
    assert len(re.findall(r"\tapprove\tmaria\tapi$", done.stdout, re.MULTILINE)) == 4
    assert 'growth_approvals_waiting{priority="high"}' in done.stdout
    assert (tmp_path / "actions.csv").read_text(encoding="utf-8").startswith("id,ref,kind")
    with console.store.read() as session:
        approved = select(AuditEvent.channel).join(Action, Action.id == AuditEvent.action_id)
        assert session.scalars(approved.where(AuditEvent.event == "approved")).all() == ["api"] * 4


def test_the_page_names_every_scope_and_every_sort_of_problem():
    named = set(re.findall(r"`([a-z:-]+)`", PAGE))
    assert SCOPES.keys() <= named
    assert TITLES.keys() <= named
