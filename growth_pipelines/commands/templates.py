"""``growth templates``: what operators decided about the texts of each template, and which are paused."""

from __future__ import annotations

import click

from growth_pipelines.commands.context import current_settings, json_option, print_json, print_table


@click.group()
def templates() -> None:
    """What is decided about the wording of drafts."""


@templates.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List templates with the newest decisions about their texts, the paused ones first.

    One whose texts are rejected or replaced in over 30 % of at least 10 decisions is paused by the next run.
    """
    from growth_pipelines.drafts.text_monitors import template_rows
    from growth_pipelines.store.database import Store

    settings = current_settings()
    with Store.of(settings).read() as session:
        rows = template_rows(session, settings.clock.now())
    if as_json:
        print_json([row.document() for row in rows])
        return
    if not rows:
        click.echo("Nothing has been decided about a template's texts yet.")
        return
    print_table(
        ["Template", "State", "Decisions", "Rejected", "Measured", "Worked", "Wording"],
        [
            [
                *(row.template, "paused" if row.paused_at else "writes", row.decisions, row.rejected),
                *(row.measured, row.worked, row.wording),
            ]
            for row in rows
        ],
    )


@templates.command("resume")
@click.argument("template", metavar="NAME")
@click.option("--reason", required=True, help="What has changed, e.g. its wording.")
def resume(template: str, reason: str) -> None:
    """Let template NAME write again; what was decided so far no longer counts. Takes an operator."""
    from growth_pipelines.actions.template_pauses import resume_template
    from growth_pipelines.approvals.signatures import present_operator
    from growth_pipelines.store.database import Store

    settings = current_settings()
    store = Store.of(settings)
    person = present_operator(store, settings)
    with store.session() as session:
        resume_template(session, template, actor=person, channel="cli", reason=reason, now=settings.clock.now())
    click.echo(f"{template} writes again, from the next run on.")
