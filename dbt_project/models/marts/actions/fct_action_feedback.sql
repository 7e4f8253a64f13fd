select
    feedback.shop_id,
    feedback.feedback_id,
    feedback.action_id,
    feedback.version,
    feedback.occurred_at,
    feedback.date_day,
    actions.recommender,
    actions.kind,
    actions.subtype,
    feedback.feedback,
    feedback.reason_code,
    feedback.parts_changed,
    feedback.words_before,
    feedback.words_after,
    feedback.words_changed,
    {{
        ratio(
            "feedback.words_changed",
            "case when feedback.words_before > feedback.words_after then feedback.words_before else feedback.words_after end",
        )
    }}
    as edit_distance
from {{ ref("stg_growth__feedback") }} as feedback
left join
    {{ ref("int_actions") }} as actions
    on actions.shop_id = feedback.shop_id
    and actions.action_id = feedback.action_id
