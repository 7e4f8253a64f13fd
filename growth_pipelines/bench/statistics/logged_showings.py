"""Logs of showings of which the true value of another policy is known."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from growth_pipelines.learning.features import FloatArray


class Log(NamedTuple):
    """One row a showing; ``truth`` is what ``target`` brings on average."""

    contexts: FloatArray
    action: np.ndarray
    reward: FloatArray
    propensity: FloatArray
    target: FloatArray
    reward_model: FloatArray
    truth: float


def showings(n: int, seed: int, *, steep: float = 1.0, binary: bool = True, items: int = 5) -> Log:
    """Made-up contexts; the logging policy favours some items (``steep``: how much), the target others.

    The reward model is a poor one: it knows the items' means but nothing of the context.
    """
    rng = np.random.default_rng([seed, 7])
    slopes, levels = _world(items)
    contexts = rng.normal(size=(n, slopes.shape[1]))
    true = _expected(contexts, slopes, levels, binary)
    logging = _softmax(steep * contexts @ slopes[:, ::-1].T * 0.6)
    target = _softmax(2 * contexts @ slopes.T)
    action = (rng.random((n, 1)) > np.cumsum(logging, axis=1)).sum(axis=1).clip(0, items - 1)
    at = np.arange(n)
    mean = true[at, action]
    reward = (rng.random(n) < mean).astype(float) if binary else mean * rng.exponential(size=n)
    model = np.broadcast_to(_expected(np.zeros((1, slopes.shape[1])), slopes, levels, binary), true.shape)
    return Log(contexts, action, reward, logging[at, action], target, model, _truth(items, binary))


@cache
def _truth(items: int, binary: bool) -> float:
    """By 400,000 contexts: its own error is a hundredth of an interval's width."""
    slopes, levels = _world(items)
    contexts = np.random.default_rng(12).normal(size=(400_000, slopes.shape[1]))
    true = _expected(contexts, slopes, levels, binary)
    return float((_softmax(2 * contexts @ slopes.T) * true).sum(axis=1).mean())


def _world(items: int) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(5)
    return rng.normal(0, 0.7, (items, 4)), rng.normal(-1, 0.5, items)


def _expected(contexts: FloatArray, slopes: FloatArray, levels: FloatArray, binary: bool) -> FloatArray:
    odds = levels + contexts @ slopes.T
    return 1 / (1 + np.exp(-odds)) if binary else np.exp(0.5 * odds)


def _softmax(odds: FloatArray) -> FloatArray:
    grown = np.exp(odds - odds.max(axis=1, keepdims=True))
    shares: FloatArray = grown / grown.sum(axis=1, keepdims=True)
    return shares
