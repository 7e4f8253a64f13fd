"""Writers come in order: threads as they arrived, no process keeps others out, the dead hold nobody up."""

from __future__ import annotations

import multiprocessing
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.store.turns import NoTurn, WriterTurns


def test_threads_have_their_turns_as_they_came(tmp_path: Path) -> None:
    turns, order = WriterTurns(tmp_path / "x.turn"), []

    def come(number: int) -> None:
        with turns.turn(30):
            order.append(number)

    threads = [threading.Thread(target=come, args=(number,)) for number in range(20)]
    with turns.turn(1):
        for waiting, thread in enumerate(threads, start=1):
            thread.start()
            while len(turns._waiting) < waiting:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == list(range(20))


def test_who_waits_too_long_gives_up_and_the_next_one_comes(tmp_path: Path) -> None:
    # Two of one process, and one that stands for another process.
    turns, elsewhere = WriterTurns(tmp_path / "x.turn"), WriterTurns(tmp_path / "x.turn")
    with elsewhere.turn(1):
        for _ in range(2):
            with pytest.raises(NoTurn), turns.turn(0.05):
                pass
    gave_up = []

    def come_late() -> None:
        with pytest.raises(NoTurn), turns.turn(0.05):
            pass
        gave_up.append(True)

    with turns.turn(1):
        late = threading.Thread(target=come_late)
        late.start()
        late.join()
    assert gave_up
    with elsewhere.turn(1):
        pass


def test_without_a_place_for_the_lock_file_the_database_alone_decides(tmp_path: Path) -> None:
    with WriterTurns(tmp_path / "nowhere" / "x.turn").turn(1):
        pass


def _write_without_pause(file: str, up: Any, ended: Any) -> None:
    turns = WriterTurns(Path(file))

    def write() -> None:
        while not ended.is_set():
            with turns.turn(30):
                up.set()
                time.sleep(0.002)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_busy_process_keeps_no_other_out_and_a_killed_one_holds_nobody_up(tmp_path: Path) -> None:
    file = tmp_path / "x.turn"
    context = multiprocessing.get_context("spawn")
    up, ended = context.Event(), context.Event()
    busy = context.Process(target=_write_without_pause, args=(str(file), up, ended))
    busy.start()
    assert up.wait(30)
    turns = WriterTurns(file)
    for _ in range(20):
        with turns.turn(5):
            pass
    busy.kill()
    busy.join()
    with turns.turn(1):
        pass
