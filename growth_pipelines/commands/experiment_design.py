"""The options of ``growth experiments`` for what is declared besides of pages, customers and slices of time."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
_OPTIONS = (
    click.option("--page-type", default="", help="Pages: product, collection, page, article; default: all."),
    click.option("--handle", default="*", help="Pages: handles that take part; * stands for anything."),
    click.option(
        "--settle-days", type=int, default=7, help="Pages: days until search engines have seen the change."
    ),
    click.option(
        "--cap-quantile", type=float, default=0.99, help="Customers: of buyers' revenue before, to cap at."
    ),
    click.option("--block-days", type=int, default=1, help="Time slices: days that an arm lasts."),
    click.option("--carry-over-days", type=int, default=0, help="Time slices: days left out after a switch."),
)


def design_options(command: Command) -> Command:
    """Take the fields of a ``Design`` as keyword arguments."""
    return reduce(lambda taken, option: option(taken), reversed(_OPTIONS), command)
