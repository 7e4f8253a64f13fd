"""``growth tokens``: keys of programs to the HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from growth_pipelines.clock import local_minute
from growth_pipelines.commands.context import current_settings, json_option, print_json, print_table

if TYPE_CHECKING:
    from growth_pipelines.store.tables import ApiToken


@click.group()
def tokens() -> None:
    """Keys of programs to the HTTP API."""


@tokens.command("add")
@click.argument("name")
@click.option("--operator", required=True, help="On whose behalf; the token does nothing that they may not do.")
@click.option("--scope", "scopes", multiple=True, required=True, help="What for; may be given several times.")
@click.option("--days", type=int, default=90, show_default=True, help="It ends after so many days.")
@json_option
def add(name: str, operator: str, scopes: tuple[str, ...], days: int, as_json: bool) -> None:
    """Make a token and print it; it is shown this once.

    Scopes: read:actions, read:approvals, decide:approvals, read:audit, read:metrics,
    run:experiments.
    """
    from growth_pipelines.approvals.tokens import add_token
    from growth_pipelines.store.database import Store

    settings = current_settings()
    new = add_token(Store.of(settings), settings, name, operator, scopes, days, settings.clock.now())
    if as_json:
        print_json({"id": new.id, "name": new.name, "token": new.token, "expires_at": new.expires_at.isoformat()})
        return
    click.echo(new.token)
    click.echo(
        f"Shown this once. {name} speaks for {operator} until {local_minute(new.expires_at, settings.zone)}; "
        "send it as `Authorization: Bearer …`.",
        err=True,
    )


@tokens.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List tokens, also those that are over."""
    from growth_pipelines.approvals.tokens import list_tokens, state_of
    from growth_pipelines.store.database import Store

    settings = current_settings()
    now = settings.clock.now()
    found = list_tokens(Store.of(settings))
    if as_json:
        print_json([{**_shown(token), "state": state_of(token, now)} for token in found])
        return
    table = [
        [
            token.name,
            token.operator,
            ", ".join(token.scopes),
            state_of(token, now),
            local_minute(token.expires_at, settings.zone),
            local_minute(token.last_used_at, settings.zone) if token.last_used_at else "never",
        ]
        for token in found
    ]
    print_table(["Name", "Operator", "Scopes", "State", "Until", "Used"], table)


def _shown(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "operator": token.operator,
        "scopes": token.scopes,
        "created_at": token.created_at.isoformat(),
        "expires_at": token.expires_at.isoformat(),
        "last_used_at": token.last_used_at.isoformat() if token.last_used_at else None,
    }


@tokens.command("revoke")
@click.argument("name")
def revoke(name: str) -> None:
    """End the token NAME (or its id) at once."""
    from growth_pipelines.approvals.tokens import revoke_token
    from growth_pipelines.store.database import Store

    settings = current_settings()
    ended = revoke_token(Store.of(settings), settings, name, settings.clock.now())
    click.echo(f"{ended.name} is revoked.")
