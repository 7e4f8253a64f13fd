select *
from
    (
        values
            ('lcp', 'largest_contentful_paint'),
            ('inp', 'interaction_to_next_paint'),
            ('cls', 'cumulative_layout_shift'),
            ('fcp', 'first_contentful_paint'),
            ('ttfb', 'experimental_time_to_first_byte')
    ) as known(metric, name)
