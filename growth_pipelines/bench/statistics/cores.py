"""Simulations on all cores: processes of one thread each.

Nothing here imports NumPy: its BLAS reads how many threads it may start when it is loaded. Several processes that
each start as many as there are cores spend their time waiting for one another.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


def processes() -> ProcessPoolExecutor:
    """As many as there are cores."""
    return ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"), initializer=_single_thread)


def _single_thread() -> None:
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
