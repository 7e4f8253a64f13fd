"""Dagster's socket: in the home, short enough, and nobody else's."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from growth_pipelines.defs.web_socket import listen, web_socket
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings


def test_it_is_in_the_home_and_elsewhere_only_where_the_homes_path_is_too_long(tmp_path: Path) -> None:
    assert web_socket(Settings(home=Path("/srv/growth"))) == Path("/srv/growth/run/dagster/web.sock")
    long = [web_socket(Settings(home=tmp_path / ("x" * 90) / name)) for name in ("a", "b")]
    assert all(len(os.fsencode(path)) <= 103 for path in long)
    assert long[0] != long[1]


def test_only_its_owner_may_open_it_and_one_that_was_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "run" / "web.sock"
    for _ in range(2):
        with listen(path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))


def test_a_folder_that_somebody_put_there_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(GrowthError, match="not a folder of our own"):
        listen(tmp_path / "run" / "web.sock")
