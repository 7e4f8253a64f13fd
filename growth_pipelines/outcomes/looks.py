"""Three looks at one action: how sure each interval has to be so that all three together are 95 % sure.

An effect is read after 7, 14 and 28 days. Three 95 % intervals of an action that does nothing would miss 0 more
often than once in twenty. So the 5 % are spent over the looks (Lan & DeMets 1983): as the cube of the share of
the 28 days that is over (Kim & DeMets 1987, power 3), which is much like O'Brien & Fleming 1979. The first two
looks are hard to impress and the last one is nearly untouched.
The intervals are repeated confidence intervals (Jennison & Turnbull 1989): all three hold the truth at once in
95 of 100 cases, so nobody who acts on the first clear one is misled more often than that.
"""

from __future__ import annotations

HORIZONS = (7, 14, 28)
ERROR = 0.05
# Half the width of each look's interval in standard errors. Each solves, for a Brownian motion looked at after
# 7, 14 and 28 of 28 days, P(outside by this look) = 0.05 · (days ÷ 28)³; tests solve it anew.
REACH = {7: 3.35935, 14: 2.76040, 28: 1.98346}


def error_spent(horizon: int) -> float:
    """The chance of being outside by this look, of an action that does nothing."""
    return float(ERROR * (horizon / HORIZONS[-1]) ** 3)


def level(horizon: int) -> float:
    """The level of the interval of this look by itself, between 0 and 1."""
    from scipy.special import ndtr

    return float(1 - 2 * ndtr(-REACH[horizon]))
