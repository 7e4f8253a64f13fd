"""The one minimiser of the fits: a smooth function of a few parameters, whose gradient is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# On the logarithmic scale of the parameters: 0.0003 to 3,000 times their usual size.
_BOUND = 8.0


def minimum(
    objective: Callable[[FloatArray], tuple[float, FloatArray]], starts: Iterable[FloatArray], size: float
) -> FloatArray:
    """The best of the minima found from ``starts``; ``objective`` returns value and gradient, which grow like
    ``size``. Sequential quadratic programming: beside L-BFGS-B it is five times faster here, as that one keeps
    starting threads for vectors of seven numbers."""
    from scipy.optimize import minimize

    def scaled(theta: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = objective(theta)
        return value / size, gradient / size

    results = [
        minimize(
            scaled,
            start,
            jac=True,
            method="SLSQP",
            bounds=[(-_BOUND, _BOUND)] * len(start),
            options={"ftol": 1e-10, "maxiter": 300},
        )
        for start in starts
    ]
    best = min((result for result in results if np.isfinite(result.fun)), key=lambda result: float(result.fun))
    return np.asarray(best.x)
