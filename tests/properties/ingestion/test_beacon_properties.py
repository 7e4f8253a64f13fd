"""Whatever a stranger sends is refused, or is a record that loads: never an error, never anything personal."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from growth_pipelines.ingestion.beacons.validation import LARGEST, MAX_BODY, BeaconRefused, read_beacon
from growth_pipelines.ingestion.landing import Landing, Shop
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.pseudonyms import Pseudonyms
from tests.beacons import PAGE, SESSION, beacon, metric
from tests.parsing import parsed_tables

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHOP = Shop("a.myshopify.com", "America/Denver", "USD", "https://www.hotrodparts.example")
PSEUDONYMS = Pseudonyms(b"k" * 32)

texts = st.text(max_size=40) | st.sampled_from(
    ["LCP", "good", "NaN", PAGE, "\u0000", "\ud800", "\n", "' or 1=1 --"]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
paths = st.text(max_size=60).map(lambda text: f"https://www.hotrodparts.example/{text}")


@st.composite
def nearly_right(draw: st.DrawFn) -> Any:
    """A beacon with some of its parts replaced by anything."""
    name = draw(st.sampled_from([*LARGEST, "FID"]))
    one = metric(name, draw(st.floats(0, 101) | st.floats()))
    document = beacon(one, metric("TTFB", 9), page=draw(paths))
    for holder in draw(st.lists(st.sampled_from([document, one]), max_size=2)):
        key = draw(st.sampled_from([*holder, "device", "url", "new"]))
        holder[key] = draw(anything)
    return document


bodies = (
    st.binary(max_size=200)
    | anything.map(lambda document: json.dumps(document).encode())
    | nearly_right().map(lambda document: json.dumps(document).encode())
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(bodies, min_size=1, max_size=30))
def test_a_body_is_refused_or_loads(sent: list[bytes]) -> None:
    kept = []
    for body in sent:
        try:
            record = read_beacon(
                body,
                hosts={"www.hotrodparts.example"},
                pseudonyms=PSEUDONYMS,
                user_agent="a browser of somebody",
                received_at=NOW,
            )
        except BeaconRefused:
            continue
        line = json.dumps(record)
        assert len(line) < 2 * MAX_BODY
        assert SESSION not in line
        assert "somebody" not in line
        assert not set("?#") & set(record["page_path"])
        kept.append(record)
    with tempfile.TemporaryDirectory() as folder:
        with Landing(Path(folder)).write("rum", SHOP, NOW) as file:
            for record in kept:
                file.writer.record(record)
        (table,) = parsed_tables(file.result, "rum", [Part("web_vitals_beacons")], NOW).values()
    expected = {(one["id"], one["name"]): one["value"] for record in kept for one in record["metrics"]}
    found = {(row["metric_id"], row["metric"]): row["value"] for row in table.to_pylist()}
    assert found == expected
