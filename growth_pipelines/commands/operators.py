"""``growth operators``: who may decide."""

from __future__ import annotations

import click

from growth_pipelines.clock import local_minute
from growth_pipelines.commands.context import current_settings, json_option, print_json, print_table


@click.group()
def operators() -> None:
    """Who may decide."""


@operators.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(["viewer", "operator", "admin"]), default="operator", show_default=True)
@json_option
def add(name: str, role: str, as_json: bool) -> None:
    """Add NAME: writes their key file and prints a one-time console link."""
    from growth_pipelines.approvals.operators import add_operator
    from growth_pipelines.store.database import Store

    settings = current_settings()
    new = add_operator(Store.of(settings), settings, name, role, settings.clock.now())
    if as_json:
        document = {"name": new.name, "role": new.role, "link": new.link_url, "key_file": new.key_file}
        print_json(document)
        return
    click.echo(f"{new.name} is an {new.role}." if new.role != "viewer" else f"{new.name} is a viewer.")
    click.echo(f"Sign in to the console once, within 24 hours: {new.link_url}")
    click.echo(f"The command line signs with {new.key_file} when GROWTH_OPERATOR={new.name} is set.")


@operators.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List operators, also removed ones."""
    from growth_pipelines.approvals.operators import list_operators
    from growth_pipelines.store.database import Store

    settings = current_settings()
    people = list_operators(Store.of(settings))
    rows = [
        {
            "name": person.name,
            "role": person.role,
            "active": person.active,
            "public_key": person.public_key,
            "created_at": person.created_at.isoformat(),
        }
        for person in people
    ]
    if as_json:
        print_json(rows)
    else:
        table = [
            [
                person.name,
                person.role,
                "active" if person.active else "removed",
                local_minute(person.created_at, settings.zone),
            ]
            for person in people
        ]
        print_table(["Name", "Role", "State", "Since"], table)


@operators.command("link")
@click.argument("name")
@json_option
def link(name: str, as_json: bool) -> None:
    """Print another one-time console link for NAME."""
    from growth_pipelines.approvals.operators import new_link
    from growth_pipelines.store.database import Store

    settings = current_settings()
    made = new_link(Store.of(settings), settings, name, settings.clock.now())
    if as_json:
        print_json({"name": name, "link": made.link_url, "expires_at": made.expires_at})
    else:
        click.echo(made.link_url)


@operators.command("chat-code")
@click.argument("name")
@json_option
def chat_code(name: str, as_json: bool) -> None:
    """Print a code that links a Telegram chat to NAME: once, within 10 minutes."""
    from growth_pipelines.approvals.chats import new_code
    from growth_pipelines.store.database import Store

    settings = current_settings()
    with Store.of(settings).session() as session:
        made = new_code(session, name, settings.clock.now(), actor=settings.operator or "host", channel="cli")
    if as_json:
        print_json({"name": name, "code": made.code, "expires_at": made.expires_at})
    else:
        click.echo(f"Write this to the bot within 10 minutes: /link {made.code}")


@operators.command("chat-unlink")
@click.argument("name")
def chat_unlink(name: str) -> None:
    """End every Telegram chat that speaks for NAME."""
    from growth_pipelines.approvals.chats import unlink_operator
    from growth_pipelines.store.database import Store

    settings = current_settings()
    with Store.of(settings).session() as session:
        ended = unlink_operator(
            session, name, settings.clock.now(), actor=settings.operator or "host", channel="cli"
        )
    click.echo(f"{ended} of {name}'s chats ended." if ended else f"No chat speaks for {name}.")


@operators.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Remove NAME: their sessions, links and key end; what they approved is no longer executed."""
    from growth_pipelines.approvals.operators import remove_operator
    from growth_pipelines.store.database import Store

    settings = current_settings()
    remove_operator(Store.of(settings), settings, name, settings.clock.now())
    click.echo(f"{name} is removed.")


@operators.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice(["viewer", "operator", "admin"]))
def role(name: str, role: str) -> None:
    """Give NAME another ROLE; it holds from their next request on."""
    from growth_pipelines.approvals.operators import change_role
    from growth_pipelines.store.database import Store

    settings = current_settings()
    change_role(Store.of(settings), settings, name, role, settings.clock.now())
    click.echo(f"{name} is {'an' if role != 'viewer' else 'a'} {role} now.")


@operators.command("reset")
@click.argument("name")
@json_option
def reset(name: str, as_json: bool) -> None:
    """Forget the password and one-time codes of NAME, end their sessions, and print a one-time link."""
    from growth_pipelines.approvals.operators import reset_operator
    from growth_pipelines.store.database import Store

    settings = current_settings()
    made = reset_operator(Store.of(settings), settings, name, settings.clock.now())
    if as_json:
        print_json({"name": name, "link": made.link_url, "expires_at": made.expires_at})
    else:
        click.echo(made.link_url)
