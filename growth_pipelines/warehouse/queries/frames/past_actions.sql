-- What was done or turned down in the last 120 days, for recommenders that leave a subject alone for a while.
select
    actions.recommender,
    actions.subtype,
    actions.resource_gid,
    actions.state,
    cast(coalesce(actions.executed_at, actions.state_at) as date) as ended_on
from marts.dim_actions as actions
where
    actions.state in ('executed', 'measured', 'rejected')
    and cast(coalesce(actions.executed_at, actions.state_at) as date) >= cast(? as date) - 120
