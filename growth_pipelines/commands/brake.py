"""``growth pause`` and ``growth resume``: the brake on all writes to the outside world."""

from __future__ import annotations

import getpass

import click

from growth_pipelines.commands.context import current_settings


@click.command()
@click.option("--reason", default="", help="Why; shown wherever the brake is noticed.")
def pause(reason: str) -> None:
    """Stop all writes to the outside world, at once and in every process. Anybody at this machine may."""
    from growth_pipelines.actions.brake import pause as pull
    from growth_pipelines.store.database import Store

    settings = current_settings()
    actor = settings.operator or f"shell:{getpass.getuser()}"
    if pull(Store.of(settings), actor=actor, channel="cli", reason=reason, now=settings.clock.now()):
        click.echo("Paused: nothing is written to the shop until `growth resume --reason TEXT`.")
    else:
        click.echo("It was paused already.")


@click.command()
@click.option("--reason", required=True, help="Why writes are safe again.")
def resume(reason: str) -> None:
    """Allow writes again. Takes an operator: GROWTH_OPERATOR and their key on this machine."""
    from growth_pipelines.actions.brake import resume as release
    from growth_pipelines.approvals.signatures import present_operator
    from growth_pipelines.store.database import Store

    settings = current_settings()
    store = Store.of(settings)
    actor = present_operator(store, settings)
    if release(store, actor=actor, channel="cli", reason=reason, now=settings.clock.now()):
        click.echo("Resumed: approved actions are written again.")
    else:
        click.echo("It wasn't paused.")
