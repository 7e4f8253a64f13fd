"""The machine's own work as raw tables: actions, experiments, rewards, campaigns and who uses the machine.

They are filled from the operational store before each build (:mod:`operations`), not by a stream, so ``_file_id``
and ``_line`` are null. A table whose rows the store does not keep yet is empty, and its marts with it. Texts that
people or templates wrote (titles, drafts, notes) stay in the store. ``…_date`` is the day in the shop's zone.
"""

from __future__ import annotations

from growth_pipelines.warehouse.raw_tables import BY_NAME, Column, ColumnType, RawTable


def _table(name: str, meaning: str, /, *, key: tuple[str, ...], **types: ColumnType) -> RawTable:
    columns = tuple(Column(column, type_) for column, type_ in types.items())
    identity = ("shop_id", *key)
    table = BY_NAME[name] = RawTable(name, columns, identity, identity, meaning)
    return table


ACTIONS = _table(
    "growth_actions",
    "Actions as they are now, without their texts; revenue is expected over 28 days, in the shop's currency.",
    key=("action_id",),
    action_id="text",
    ref="text",
    kind="text",
    subtype="text",
    recommender="text",
    source="text",
    version="bigint",
    state="text",
    state_at="timestamp",
    target_type="text",
    resource_gid="text",
    target_url="text",
    fields="json",
    confidence="double",
    ease="double",
    score="double",
    impact_metric="text",
    impact_unit="text",
    impact_delta="double",
    impact_low="double",
    impact_high="double",
    revenue_28d="double",
    revenue_low="double",
    revenue_high="double",
    risk_tier="text",
    priority="text",
    ranking_version="text",
    is_auto_approvable="bool",
    created_at="timestamp",
    created_date="date",
    updated_at="timestamp",
    expires_at="timestamp",
    executed_at="timestamp",
    executed_date="date",
    decided_by="text",
    decided_at="timestamp",
    decided_channel="text",
)
ACTION_EVENTS = _table(
    "growth_action_events",
    "What happened to actions, in the order of the audit chain. from_state and to_state are null where nothing"
    " was moved (a refused decision); reason_code is a code, 'other' for words of the operator's own.",
    key=("event_id",),
    event_id="text",
    seq="bigint",
    occurred_at="timestamp",
    local_date="date",
    action_id="text",
    version="bigint",
    event="text",
    from_state="text",
    to_state="text",
    actor="text",
    channel="text",
    decision="text",
    reason_code="text",
)
EXECUTIONS = _table(
    "growth_executions",
    "The ledger of writes: one row an action and version, without what was written.",
    key=("action_id", "version"),
    action_id="text",
    version="bigint",
    status="text",
    attempts="bigint",
    started_at="timestamp",
    finished_at="timestamp",
)
FEEDBACK = _table(
    "growth_feedback",
    "What operators said by deciding and by editing: a row a decision (its name and reason code) or an edit (how"
    " many words it changed). Each event counts once.",
    key=("feedback_id",),
    feedback_id="text",
    action_id="text",
    version="bigint",
    occurred_at="timestamp",
    local_date="date",
    feedback="text",
    reason_code="text",
    parts_changed="bigint",
    words_before="bigint",
    words_after="bigint",
    words_changed="bigint",
)
OUTCOMES = _table(
    "growth_action_outcomes",
    "What an executed action did to a metric after 7, 14 or 28 days. effect is observed less counterfactual (what"
    " would have been without it), with its 95 % interval; estimate is what the action had promised for the same"
    " time. The metric revenue is money in the shop's currency. method is experiment, control_pages or pre_post;"
    " is_complete says that every day of the horizon has its data;"
    " outcome_class is the class by growth_pipelines.outcomes.classify, shared_error the part of the standard"
    " error that comes from the controls. What could not be measured has no row.",
    key=("action_id", "metric", "horizon_days"),
    action_id="text",
    metric="text",
    horizon_days="bigint",
    method="text",
    unit="text",
    baseline="double",
    observed="double",
    counterfactual="double",
    effect="double",
    effect_low="double",
    effect_high="double",
    shared_error="double",
    estimate="double",
    outcome_class="text",
    is_promised="bool",
    controls="bigint",
    is_complete="bool",
    measured_at="timestamp",
)
RETURNS = _table(
    "growth_action_returns",
    "What a recommender's actions executed in a month (its first day) brought over 28 days, as summed by"
    " growth_pipelines.outcomes.returns; money in the shop's currency. promised and realised, with its 95 %"
    " interval, are of the measured actions only; realised is null while there is none.",
    key=("month", "recommender"),
    month="date",
    recommender="text",
    actions="bigint",
    measured="bigint",
    waiting="bigint",
    not_measurable="bigint",
    overlapping="bigint",
    promised="double",
    promised_in_all="double",
    realised="double",
    realised_low="double",
    realised_high="double",
    counted_at="timestamp",
)
EXPERIMENTS = _table(
    "growth_experiments",
    "Registered experiments. pre_days before a unit's first exposure are its covariate, outcome_days from it on"
    " its outcome.",
    key=("experiment_id",),
    experiment_id="text",
    experiment_key="text",
    unit_type="text",
    status="text",
    primary_metric="text",
    pre_days="bigint",
    outcome_days="bigint",
    started_at="timestamp",
    started_date="date",
    ended_at="timestamp",
    ended_date="date",
)
VARIANTS = _table(
    "growth_experiment_variants",
    "The arms of experiments with their weights, which need not add up to one.",
    key=("experiment_id", "variant"),
    experiment_id="text",
    variant="text",
    weight="double",
    is_control="bool",
)
EXPOSURES = _table(
    "growth_exposures",
    "Each time a unit met its variant; unit_id is a keyed hash where the unit is a person.",
    key=("exposure_id",),
    exposure_id="text",
    experiment_id="text",
    unit_id="text",
    variant="text",
    exposed_at="timestamp",
    local_date="date",
)
EXPERIMENT_METRICS = _table(
    "growth_experiment_metrics",
    "What a unit of an experiment counted on a day, before and after its exposure; additive. Money is in minor"
    " units.",
    key=("experiment_id", "unit_id", "metric", "date"),
    experiment_id="text",
    unit_id="text",
    metric="text",
    date="date",
    value="double",
)
REWARDS = _table(
    "growth_rewards",
    "The rules by which rewards are given; reward_type is points, discount, feature_access or badge.",
    key=("reward_id",),
    reward_id="text",
    trigger_event="text",
    reward_type="text",
    amount="double",
    is_active="bool",
    created_at="timestamp",
)
REWARD_EVENTS = _table(
    "growth_reward_events",
    "Points given and taken: granted, redeemed, expired or reversed, points with their sign. The same event_key is"
    " the same event, however often it was sent; member_id is a keyed hash.",
    key=("event_id",),
    event_id="text",
    event_key="text",
    member_id="text",
    reward_id="text",
    event_type="text",
    points="bigint",
    source_event="text",
    occurred_at="timestamp",
    local_date="date",
)
CAMPAIGNS = _table(
    "growth_campaigns",
    "Campaigns and the action that each was approved as.",
    key=("campaign_id",),
    campaign_id="text",
    action_id="text",
    channel="text",
    status="text",
    started_at="timestamp",
    started_date="date",
    ended_at="timestamp",
)
CAMPAIGN_RESULTS = _table(
    "growth_campaign_results",
    "What a campaign counted by segment, arm (treated or holdout) and day. assigned are the members that entered"
    " the arm on that day; a member converts once.",
    key=("campaign_id", "segment", "arm", "date"),
    campaign_id="text",
    segment="text",
    arm="text",
    date="date",
    assigned="bigint",
    sent="bigint",
    delivered="bigint",
    bounced="bigint",
    complained="bigint",
    converted="bigint",
)
TENANTS = _table(
    "growth_tenants",
    "Accounts that use the machine or may join its beta; status is candidate, invited, active or left.",
    key=("tenant_id",),
    tenant_id="text",
    status="text",
    created_at="timestamp",
    created_date="date",
    consented_at="timestamp",
    invited_at="timestamp",
)
TENANT_EVENTS = _table(
    "growth_tenant_events",
    "What tenants did: login, feature_used (with its feature), run, action_approved, alert_read or milestone.",
    key=("event_id",),
    event_id="text",
    tenant_id="text",
    event_type="text",
    feature="text",
    occurred_at="timestamp",
    local_date="date",
)
TABLES = (
    ACTIONS,
    ACTION_EVENTS,
    EXECUTIONS,
    FEEDBACK,
    OUTCOMES,
    RETURNS,
    EXPERIMENTS,
    VARIANTS,
    EXPOSURES,
    EXPERIMENT_METRICS,
    REWARDS,
    REWARD_EVENTS,
    CAMPAIGNS,
    CAMPAIGN_RESULTS,
    TENANTS,
    TENANT_EVENTS,
)
