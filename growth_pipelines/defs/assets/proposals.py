"""What a recommender is in Dagster: its proposals, the operator's approval, and what carries the approved out.

For a recommender X: ``X_recommendations`` (data version = digest of the batch), ``X_approval`` (external: nothing
here can compute it, only an operator's decision materializes it) and ``X_actions``. The blocking check
``approved_by_operator`` sits on the first; it shows and gates, it does not guard: blocking holds only within one
run, and whoever reaches the web server can report a green one. The guard is inside the executor, which verifies
every action against the store itself. What a recommender thinks is in ``growth_pipelines.recommenders``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from growth_pipelines.defs.ages import DAILY
from growth_pipelines.defs.assets.carried_out import told
from growth_pipelines.defs.assets.published import PUBLISHED
from growth_pipelines.defs.assets.queue import links_of, queue_row
from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.display import table
from growth_pipelines.defs.gate import GATE, judge, result_of
from growth_pipelines.defs.machine import Machine
from growth_pipelines.recommenders.registry import Recommender

if TYPE_CHECKING:
    from growth_pipelines.actions.submission import SubmitResult
    from growth_pipelines.content.habits import Habits
    from growth_pipelines.learning import Corrections
    from growth_pipelines.recommenders.context import RecommenderContext

LEFT_BEHIND = "nothing_left_behind"
TEXTS = "texts_hold_up"


@dataclass(frozen=True)
class Proposal:
    """The definitions of one recommender, and the keys that jobs and sensors name them by."""

    name: str
    recommendations: dg.AssetsDefinition
    approval: dg.AssetSpec
    gate: dg.AssetChecksDefinition
    actions: dg.AssetsDefinition
    left_behind: dg.AssetChecksDefinition
    # Only where texts are written.
    texts: dg.AssetChecksDefinition | None

    @property
    def gate_key(self) -> dg.AssetCheckKey:
        return dg.AssetCheckKey(recommendations_key(self.name), GATE)

    @property
    def left_behind_key(self) -> dg.AssetCheckKey:
        return dg.AssetCheckKey(actions_key(self.name), LEFT_BEHIND)

    @property
    def checks(self) -> list[dg.AssetChecksDefinition]:
        return [self.gate, self.left_behind, *([self.texts] if self.texts else [])]


class WhichActions(dg.Config):
    """The launchpad's form of ``X_actions``: what to answer for. It widens nothing; each is verified."""

    only: list[str] = Field(default=[], description="Ids or refs to answer for; empty: everything approved.")


def recommendations_key(name: str) -> dg.AssetKey:
    return dg.AssetKey(f"{name}_recommendations")


def approval_key(name: str) -> dg.AssetKey:
    return dg.AssetKey(f"{name}_approval")


def actions_key(name: str) -> dg.AssetKey:
    return dg.AssetKey(f"{name}_actions")


def proposal(recommender: Recommender, upstream: Sequence[dg.AssetKey]) -> Proposal:
    """Everything that Dagster shows of ``recommender``; ``upstream`` are the findings it is opened by."""
    approval = dg.AssetSpec(
        approval_key(recommender.name),
        deps=[recommendations_key(recommender.name)],
        group_name=recommender.name,
        kinds={"operator"},
        owners=[OWNER],
        description="The operator's decision. Nothing in the platform computes it: decide in the console or with "
        "`growth actions approve`, or paste a record of `growth actions sign` into the job "
        f"`approve_{recommender.name}` or into the description of a reported materialization.",
    )
    return Proposal(
        recommender.name,
        _recommendations(recommender, upstream),
        approval,
        _gate(recommender),
        _actions(recommender),
        _left_behind(recommender),
        _texts(recommender) if recommender.writes_texts else None,
    )


def _recommendations(recommender: Recommender, upstream: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    @dg.asset(
        key=recommendations_key(recommender.name),
        deps=[PUBLISHED, *upstream],
        group_name=recommender.name,
        kinds={"python", "pandas"},
        owners=[OWNER],
        freshness_policy=DAILY,
        description=recommender.description,
    )
    def recommendations(
        context: dg.AssetExecutionContext, machine: dg.ResourceParam[Machine]
    ) -> dg.MaterializeResult:
        result = propose(machine, recommender, context.run_id)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(result.batch_digest), metadata=batch_metadata(machine, result)
        )

    return recommendations


def propose(machine: Machine, recommender: Recommender, run_id: str) -> "SubmitResult":
    """Let the recommender draft from what is published, and store its batch.

    Templates whose texts operators reject too often are paused first.
    """
    from growth_pipelines.actions.lifecycle import rules_for, submit
    from growth_pipelines.drafts.text_monitors import watch_templates
    from growth_pipelines.feedback.pages import with_pages
    from growth_pipelines.language_models.configured import configured_model
    from growth_pipelines.recommenders.rewording import worded
    from growth_pipelines.warehouse.frames import load_frames

    with machine.warehouse.read() as connection:
        frames = load_frames(connection, dict.fromkeys([*recommender.frames, "performance"]), machine.today)
    shop = machine.read_shop()
    drafts = []
    if shop:
        config = recommender.config.of(getattr(machine.settings.recommenders, recommender.name))
        machine.on_progress(recommender.name, None)
        paused = watch_templates(machine.store, machine.now)
        # What is learnt first stores what was decided and edited since.
        learnt = corrections(machine)
        context = recommender_context(machine, shop, paused, learnt, habits(machine))
        drafts = recommender.recommend(frames, context, config)
        model = configured_model(machine.settings)
        drafts = worded(drafts, model, context.locale, context.paused_templates, context.habits)
        drafts = with_pages(drafts, frames["performance"], learnt)
    return submit(
        machine.store,
        drafts,
        recommender=recommender.name,
        shop_id=str(shop.get("shop_id") or machine.settings.shop.domain),
        now=machine.now,
        rules=rules_for(machine.settings, recommender.name),
        run_id=run_id,
    )


def corrections(machine: Machine) -> "Corrections":
    """What the decisions and outcomes so far multiply scores by, under the ranking in force."""
    from growth_pipelines.feedback.capture import capture
    from growth_pipelines.feedback.learnt import signal_frame
    from growth_pipelines.feedback.rankings import active_version, corrections_of

    capture(machine.store)
    with machine.store.read() as session:
        return corrections_of(signal_frame(session, machine.now), active_version(session))


def habits(machine: Machine) -> "Habits":
    """What operators' edits so far say about the next drafts."""
    from growth_pipelines.feedback.habits import habits_followed

    with machine.store.read() as session:
        return habits_followed(session, machine.now)


def recommender_context(
    machine: Machine,
    shop: Mapping[str, Any],
    paused_templates: frozenset[str] = frozenset(),
    learnt: "Corrections | None" = None,
    habits: "Habits | None" = None,
) -> "RecommenderContext":
    """Whose shop, as of which day, in whose words."""
    from growth_pipelines.content.habits import NO_HABITS
    from growth_pipelines.learning import Corrections
    from growth_pipelines.recommenders.context import GuidedSellingConfig, RecommenderContext
    from growth_pipelines.warehouse.dbt import brand_terms

    settings = machine.settings.shop
    return RecommenderContext(
        as_of=machine.today,
        shop_name=str(shop["name"]),
        primary_url=str(shop["primary_url"] or f"https://{shop['domain']}"),
        currency=settings.currency or str(shop["currency"]),
        locale=settings.locales[0] if settings.locales else str(shop["primary_locale"] or "en"),
        brand_terms=tuple(brand_terms(machine.settings)),
        freshness=machine.freshness(),
        corrections=learnt or Corrections(),
        lead_time_days=settings.lead_time_days,
        paused_templates=paused_templates,
        habits=habits or NO_HABITS,
        guided_selling=GuidedSellingConfig.of(machine.settings.recommenders.guided_selling),
    )


def batch_metadata(machine: Machine, result: "SubmitResult") -> dict[str, Any]:
    """What became of a batch, for the person who looks at the asset."""
    from growth_pipelines.actions.queue import as_document
    from growth_pipelines.store.tables import Action

    with machine.store.read() as session:
        actions = [as_document(session.get_one(Action, identity)) for identity in result.action_ids]
    actions.sort(key=lambda action: -action["score"])
    refused = [{"title": draft.title, "page": draft.target.url, "why": why} for draft, why in result.refused]
    currency = machine.settings.currency
    return {
        "freshness": machine.freshness() or "no data yet",
        "actions": len(actions),
        "created": len(result.created),
        "refreshed": len(result.refreshed),
        "revised": len(result.revised),
        "superseded": len(result.superseded),
        "refused": len(refused),
        "revenue_28d": round(sum(action["impact"]["revenue_28d"] for action in actions), 2),
        **({"currency": currency} if currency else {}),
        "proposals": table([queue_row(action, currency) for action in actions]),
        **({"open": links_of(machine, actions)} if actions else {}),
        **({"refusals": table(refused)} if refused else {}),
        "digest": result.batch_digest,
    }


def _gate(recommender: Recommender) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=recommendations_key(recommender.name),
        name=GATE,
        blocking=True,
        additional_deps=[approval_key(recommender.name)],
        description="An operator has approved at least one of these actions, and it is not done yet.",
    )
    def approved_by_operator(
        context: dg.AssetCheckExecutionContext, machine: dg.ResourceParam[Machine]
    ) -> dg.AssetCheckResult:
        # The job's name and not a tag: tags are whatever the person who launches a run types.
        gating = context.run.job_name == f"act_on_{recommender.name}"
        return result_of(judge(machine, context.instance, recommender.name, gating=gating))

    return approved_by_operator


def _actions(recommender: Recommender) -> dg.AssetsDefinition:
    @dg.asset(
        key=actions_key(recommender.name),
        deps=[recommendations_key(recommender.name), approval_key(recommender.name)],
        group_name=recommender.name,
        kinds={"shopify", "python"},
        owners=[OWNER],
        pool="shop_writes",
        output_required=False,
        description="What was carried out in the shop: exactly the approved actions, each verified again "
        "right before its write, read back after it and recorded. Launched without an approval it writes nothing "
        "and says why.",
    )
    def carried_out(config: WhichActions, machine: dg.ResourceParam[Machine]) -> Iterator[Any]:
        from growth_pipelines.actions.execution import execute_approved

        results = execute_approved(
            machine.store, machine.settings, kind=recommender.kind, only=config.only or None, now=machine.now
        )
        yield from told(actions_key(recommender.name), results, machine)

    return carried_out


def _left_behind(recommender: Recommender) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=actions_key(recommender.name),
        name=LEFT_BEHIND,
        description="No approved action waits for over 24 hours, none executes for over 5 minutes.",
    )
    def nothing_left_behind(machine: dg.ResourceParam[Machine]) -> dg.AssetCheckResult:
        from growth_pipelines.actions.lifecycle import overdue
        from growth_pipelines.store.tables import Action

        with machine.store.read() as session:
            late = [
                item
                for item in overdue(session, machine.now, machine.settings.actions.mode)
                if session.get_one(Action, item.action_id).recommender == recommender.name
            ]
        return dg.AssetCheckResult(
            passed=not late,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "late": len(late),
                "actions": table([{"action": i.ref, "since": i.since, "what": i.message} for i in late]),
                "recovery": f"Start the job `act_on_{recommender.name}`; `growth status` shows a pause.",
            },
        )

    return nothing_left_behind


def _texts(recommender: Recommender) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=recommendations_key(recommender.name),
        name=TEXTS,
        description="The texts drafted in the last seven days: at most 10 % are poor, and on the whole they are "
        "not over 5 % worse than the week before. Templates whose texts are rejected too often are paused.",
    )
    def texts_hold_up(machine: dg.ResourceParam[Machine]) -> dg.AssetCheckResult:
        from growth_pipelines.actions.template_pauses import template_switches
        from growth_pipelines.drafts.text_monitors import quality_of_texts, records_of

        with machine.store.read() as session:
            found = quality_of_texts(session, recommender.name, machine.now)
            records = records_of(session, machine.now)
            paused = [one for one in template_switches(session).values() if one.paused]
        rows = [
            {"template": one.template, "decisions": one.decisions, "rejected": one.rejected} for one in records
        ]
        measured = {
            "mean_score": found.mean,
            "mean_score_before": found.mean_before,
            "poor_share": found.poor_share,
            "decline": found.decline,
        }
        return dg.AssetCheckResult(
            passed=not (found.is_poor or found.is_declining),
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "drafted": found.drafted,
                "drafted_before": found.drafted_before,
                "poor": found.poor,
                **{name: round(value, 4) for name, value in measured.items() if value is not None},
                **(
                    {"paused": table([{"template": one.template, "since": one.at} for one in paused])}
                    if paused
                    else {}
                ),
                **({"decided": table(rows)} if rows else {}),
            },
        )

    return texts_hold_up
