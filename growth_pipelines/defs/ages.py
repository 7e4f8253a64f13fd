"""How old assets may get before the UI says so."""

from datetime import timedelta

from dagster import FreshnessPolicy

# One day plus a late run, then a second missed one.
DAILY = FreshnessPolicy.time_window(warn_window=timedelta(hours=30), fail_window=timedelta(hours=54))


def of_objective(objective: timedelta) -> FreshnessPolicy:
    """Late when a stream misses its objective, failed when it misses it twice."""
    return FreshnessPolicy.time_window(warn_window=objective, fail_window=2 * objective)
