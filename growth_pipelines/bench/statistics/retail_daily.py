"""Daily figures of a real shop: orders, revenue and units by country and product, December 2009 to December 2010.

Made from Online Retail II (Chen 2012, UCI data set 502, CC BY 4.0): ``retail_daily.md`` beside it says from what
and how. ``derive`` makes the file again from the source.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

_FILE = "retail_daily.csv.gz"
# Goods, as in data/online_retail/convert.py: five digits with letters behind, gift sets and vouchers.
_GOODS = r"(?i)^(?:\d{5}[a-z]*|dcgs\w*|gift_\w+)$"
_COUNTRIES = ("United Kingdom", "EIRE", "Germany", "France")
_PRODUCTS = 10


def retail_series() -> tuple[NDArray[Any], dict[str, NDArray[np.float64]]]:
    """Days (datetime64[D], without holes) and the values of every series by its name; days of rest are zeros."""
    import pandas as pd

    with files(__package__).joinpath(_FILE).open("rb") as packed:
        table = pd.read_csv(packed, compression="gzip", index_col="date", parse_dates=True)
    days = table.index.to_numpy().astype("datetime64[D]")
    return days, {str(name): table[name].to_numpy(float) for name in table.columns}


def derive(source: str) -> pd.DataFrame:
    """The table of the file from the sheet "Year 2009-2010" as Parquet at ``source``."""
    import pandas as pd

    rows = pd.read_parquet(source)
    code = rows["StockCode"].str.strip().str.upper()
    sold = rows[code.str.match(_GOODS) & (rows["Quantity"] > 0) & (rows["Price"] > 0)].assign(code=code)
    sold = sold[~sold["Invoice"].str.startswith("C")]
    sold["day"] = pd.to_datetime(sold["InvoiceDate"]).dt.normalize()
    sold["revenue"] = sold["Quantity"] * sold["Price"]
    found = {f"shop {name}": values for name, values in _measures(sold).items()}
    for country in _COUNTRIES:
        part = _measures(sold[sold["Country"] == country])
        found |= {f"{country} {name}": part[name] for name in ("orders", "revenue")}
    guests = _measures(sold[sold["Customer ID"].isna()])
    found["guest orders"] = guests["orders"]
    top = sold.groupby("code")["Invoice"].nunique().sort_values(ascending=False, kind="stable").index[:_PRODUCTS]
    for product in top:
        part = _measures(sold[sold["code"] == product])
        found |= {f"product {product} {name}": part[name] for name in ("orders", "units")}
    calendar = pd.date_range(sold["day"].min(), sold["day"].max(), name="date")
    return pd.DataFrame(found).reindex(calendar, fill_value=0).fillna(0).round(2)


def _measures(rows: pd.DataFrame) -> dict[str, pd.Series]:
    by_day = rows.groupby("day")
    return {
        "orders": by_day["Invoice"].nunique(),
        "revenue": by_day["revenue"].sum(),
        "units": by_day["Quantity"].sum(),
    }
