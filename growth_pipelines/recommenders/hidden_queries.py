"""Search Console names only queries that many people ask. A page's other impressions show the same snippet.

What a better snippet brings is therefore more than what the named queries bring: as many times as the page's
impressions without brand queries are those of its named queries.
"""

from __future__ import annotations

import pandas as pd

from growth_pipelines.recommenders.money import WINDOW_DAYS

# Nobody knows what the unnamed queries are: at most as much is put on them as on the named ones.
_MOST = 2.0


def unnamed_factor(
    named: pd.Series, search: pd.DataFrame, performance: pd.DataFrame, last_day: pd.Timestamp
) -> pd.Series:
    """Impressions without brand ÷ impressions of named queries without brand, from 1 to 2, for pages of ``named``.

    ``named``: impressions of named queries without brand by page_key, over the 28 days up to ``last_day``.
    ``search``: page × query rows of all named queries. ``performance``: impressions of pages with all queries; the
    factor is 1 where its window is another, or where it has no row.
    """
    days = pd.to_datetime(search["date_day"])
    recent = (days > last_day - pd.Timedelta(days=WINDOW_DAYS)) & (days <= last_day)
    with_brand = search[recent].groupby("page_key")["impressions"].sum().reindex(named.index)
    same = performance[pd.to_datetime(performance["window_end"]) == last_day]
    shown = same.drop_duplicates("page_key").set_index("page_key")["impressions"]
    unnamed = shown.reindex(named.index) - with_brand
    return (1 + unnamed / named).fillna(1.0).clip(1.0, _MOST)
