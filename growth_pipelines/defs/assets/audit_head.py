"""Once a day, shortly after the shop's midnight: the head of the audit chain is published, and the chain proved.

A head that was written down cannot be taken back, so it finds a chain that was made anew with all its hashes.
"""

from typing import Any

import dagster as dg

from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.machine import Machine

AUDIT_HEAD = dg.AssetKey("audit_head")
CHAIN_INTACT = "chain_intact"
INTACT = dg.AssetCheckKey(AUDIT_HEAD, CHAIN_INTACT)
# Problems named in the check's result.
_NAMED = 20
_RECOVERY = (
    "Pause all writes (`growth pause`). `growth audit verify` names every problem. Restore the store from a "
    "backup made before the first one, and find out who had access to the database. Compare the published heads "
    "with the copies that were sent elsewhere (docs/audit.md)."
)


@dg.asset(
    key=AUDIT_HEAD,
    group_name="actions",
    kinds={"python"},
    owners=[OWNER],
    description="The end of the audit chain, signed and appended to audit/heads.ndjson once a day, and told "
    "to the chats and mailboxes that take the digest. Who rewrites the chain later can't rewrite these.",
    check_specs=[
        dg.AssetCheckSpec(
            CHAIN_INTACT,
            asset=AUDIT_HEAD,
            description="No event was changed, removed or put in between; every published head still fits, and "
            "the database still refuses such changes.",
        )
    ],
)
def audit_head(machine: dg.ResourceParam[Machine]) -> Any:
    """Publish the head, then prove the chain against all heads so far."""
    from growth_pipelines.store.audit import verify_chain
    from growth_pipelines.store.audit_heads import (
        head_problems,
        heads_file,
        public_key,
        publish_head,
        read_heads,
        tell_broken,
    )

    settings = machine.settings
    head = publish_head(machine.store, settings, machine.now)
    yield dg.MaterializeResult(
        metadata={
            "seq": head.seq,
            "hash": head.hash,
            "events_of_the_day_before": head.events,
            "console": dg.MetadataValue.url(f"{settings.console_url}/audit"),
        }
    )
    heads = list(read_heads(heads_file(settings)))
    with machine.store.read() as session:
        report = verify_chain(session, [known.link for known in heads])
    problems = [*report.problems, *head_problems(heads, public_key(settings))]
    if problems:
        tell_broken(machine.store, problems, _RECOVERY, machine.now)
    yield dg.AssetCheckResult(
        passed=not problems,
        check_name=CHAIN_INTACT,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "events": report.events,
            "published_heads": len(heads),
            **({"problems": "\n".join(problems[:_NAMED]), "recovery": _RECOVERY} if problems else {}),
        },
    )
