"""Search Console's rows are cut out of its answer exactly, whatever people searched for."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from growth_pipelines.ingestion.google.search_console import row_lines

texts = st.text(max_size=12) | st.sampled_from(["},{", '"rows"', "}, {", "]", "[", "\\", '"}', "\n", "\x00"])
rows = st.lists(
    st.builds(
        lambda page, query, clicks: {"keys": ["2026-01-01", page, query], "clicks": clicks, "position": 1.5},
        texts,
        texts,
        st.integers(0, 99),
    ),
    max_size=6,
)


@given(found=rows, indent=st.sampled_from([None, 2]), ascii_only=st.booleans())
def test_every_row_comes_back_on_a_line_of_its_own(
    found: list[dict[str, Any]], indent: int | None, ascii_only: bool
) -> None:
    answer = {"rows": found, "responseAggregationType": "byPage"}
    content = json.dumps(answer, indent=indent, ensure_ascii=ascii_only).encode()
    lines = row_lines(content, found)
    assert [json.loads(line) for line in lines.split(b"\n") if line] == found
