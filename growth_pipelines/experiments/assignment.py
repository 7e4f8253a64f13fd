"""Who gets which arm: a stable hash, so that nothing has to be stored and every surface computes the same.

SHA-256 of ``experiment NUL unit`` (UTF-8). Its bytes 0 to 5, as a share of 2⁴⁸, decide whether the unit takes
part: it does while the share is below ``coverage``. Bytes 8 to 13 decide the arm. The two are independent, so a
ramp adds units and moves nobody between arms; the experiment's key is the salt, so experiments are independent
of each other. 48 bits are exact in JavaScript's numbers too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import sha256
from numbers import Integral
from struct import Struct
from typing import TYPE_CHECKING, Any

from growth_pipelines.experiments.arms import UnusableSample

if TYPE_CHECKING:
    from numpy.typing import NDArray

OUTSIDE = -1
_SCALE = 2.0**48
_TWO_WORDS = Struct(">QQ16x").unpack


def assign(unit: str | int, experiment: str, weights: Sequence[float], coverage: float = 1.0) -> int:
    """Index of the unit's arm, 0 for control; −1 outside the experiment.

    ``weights`` are relative (1, 1 is a half each) and stay as they are while the experiment runs: it is
    ``coverage``, the share of units taking part, that a ramp raises. An arm of weight 0 gets nobody; where every
    treatment's is 0 all units are control's, whatever control's own weight is.
    Raises UnusableSample (a ValueError) for a unit that is neither text nor a whole number or that is empty, for
    an experiment without a key, and for weights or a coverage that are no shares.
    """
    if not 0 <= coverage <= 1:
        raise _no_share(coverage)
    hashed = _salted(experiment).copy()
    hashed.update(unit.encode() if unit and type(unit) is str else _name_of(unit))
    takes_part, draw = _TWO_WORDS(hashed.digest())
    if takes_part >> 16 >= coverage * _SCALE:
        return OUTSIDE
    for arm, bound in _bounds(tuple(weights)):
        if draw >> 16 < bound:
            return arm
    raise AssertionError("the last bound is above every draw")


def assign_all(
    units: Iterable[str | int], experiment: str, weights: Sequence[float], coverage: float = 1.0
) -> NDArray[Any]:
    """``assign`` of many units: an int array, in their order."""
    import numpy as np

    if not 0 <= coverage <= 1:
        raise _no_share(coverage)
    bounds, salted, digests = _bounds(tuple(weights)), _salted(experiment), bytearray()
    for unit in units:
        hashed = salted.copy()
        hashed.update(unit.encode() if unit and type(unit) is str else _name_of(unit))
        digests += hashed.digest()[:16]
    words = np.frombuffer(bytes(digests), dtype=">u8").reshape(-1, 2) >> np.uint64(16)
    takes_part, draw = words.astype(float).T
    arms, upper = np.array([arm for arm, _ in bounds]), np.array([bound for _, bound in bounds])
    chosen = arms[np.searchsorted(upper, draw, side="right")]
    assigned: NDArray[Any] = np.where(takes_part < coverage * _SCALE, chosen, OUTSIDE)
    return assigned


def share_of(coverage: float) -> float:
    """The bound below which a unit's first draw takes part, in units of 2⁻⁴⁸, for who draws elsewhere."""
    if not 0 <= coverage <= 1:
        raise _no_share(coverage)
    return coverage * _SCALE


def bounds_of(weights: Sequence[float]) -> tuple[tuple[int, float], ...]:
    """(arm, upper bound of its draws in units of 2⁻⁴⁸) of the arms that get units, in order."""
    return _bounds(tuple(weights))


def _name_of(unit: object) -> bytes:
    """A missing key would put everybody into one arm, and 7.0 is another unit than 7."""
    if isinstance(unit, (str, Integral)) and not isinstance(unit, bool) and unit != "":
        return str(unit).encode()
    raise UnusableSample(f"{unit!r} is no unit.", "Assign by a text or a whole number; leave out who has none.")


def _no_share(coverage: float) -> UnusableSample:
    return UnusableSample(f"coverage {coverage:g}.", "It is the share of units that take part: 0 to 1.")


@lru_cache(maxsize=1024)
def _salted(experiment: str) -> Any:
    if not experiment or "\0" in experiment:
        raise UnusableSample(f"{experiment!r} is no key of an experiment.", "Give it a name without NUL.")
    return sha256(f"{experiment}\0".encode())


@lru_cache(maxsize=1024)
def _bounds(weights: tuple[float, ...]) -> tuple[tuple[int, float], ...]:
    """(arm, upper end of its share of [0, 2⁴⁸)) of the arms that get units."""
    if not weights or not all(math.isfinite(weight) and weight >= 0 for weight in weights):
        raise UnusableSample(f"Weights {list(weights)}.", "Give one number ≥ 0 an arm, control's first.")
    if not any(weights[1:]):
        return ((0, _SCALE),)
    total, so_far, bounds = math.fsum(weights), 0.0, []
    for arm, weight in enumerate(weights):
        if weight > 0:
            so_far += weight
            bounds.append((arm, so_far / total * _SCALE))
    bounds[-1] = (bounds[-1][0], _SCALE)
    return tuple(bounds)
