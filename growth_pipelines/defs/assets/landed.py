"""What landed, held against its suite before anything is built on it; and the newest days against the past.

All suites are one step, so that Great Expectations is imported once, and only where something landed. Of what is
wrong only a broken contract blocks; a value that is odd and a day that is unusual warn.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from growth_pipelines.defs.assets.raw_checks import raw_key
from growth_pipelines.defs.display import some_of, table
from growth_pipelines.defs.machine import Machine
from growth_pipelines.ingestion.streams import STREAMS
from growth_pipelines.quality.suites import Suite, suites

if TYPE_CHECKING:
    from growth_pipelines.quality.inspection import TableInspection
    from growth_pipelines.quality.outcomes import Outcome

CONTRACT = "landed_contract"
AS_USUAL = "as_usual"
_RECOVERY = {
    CONTRACT: "Readers keep what was published before. Look at the rows in their landing file; read them again "
    "with `growth ingest {stream} --full` once the source is right, or change quality/suites/{table}.yaml if the "
    "contract is wrong.",
    AS_USUAL: "Nothing is held up. Compare with the source; `growth ingest status` says how far it was read.",
}


def landed_batches() -> dg.AssetChecksDefinition:
    """The checks of every raw table that has a suite."""

    @dg.multi_asset_check(
        name="landed_batches",
        specs=[spec for suite in _suites() for spec in _specs(suite)],
        can_subset=True,
        pool="warehouse",
    )
    def check(context: dg.AssetCheckExecutionContext, machine: dg.ResourceParam[Machine]) -> Iterator[Any]:
        """Judge the batches that landed, and the newest days."""
        from growth_pipelines.quality.inspection import inspect

        wanted = context.selected_asset_check_keys
        landed = {key.asset_key.path[-1] for key in wanted if key.name == CONTRACT}
        compared = {key.asset_key.path[-1] for key in wanted if key.name == AS_USUAL}
        machine.on_progress("checking what landed", None)
        for name, found in inspect(machine.settings, landed, compared, context.run.run_id).items():
            # A broken contract fails the step only after everything is yielded.
            if name in landed:
                yield _contract(name, found)
            if name in compared:
                yield _as_usual(name, found)

    return check


def _suites() -> list[Suite]:
    """Those of tables that a stream fills."""
    return [suites()[table] for stream in STREAMS.values() for table in stream.tables if table in suites()]


def _specs(suite: Suite) -> Iterator[dg.AssetCheckSpec]:
    strict = [one.claim for one in suite.expectations if one.severity == "error"]
    yield dg.AssetCheckSpec(
        CONTRACT,
        asset=raw_key(suite.table),
        blocking=True,
        description=f"In every row that landed: {'; '.join(strict)}. Models are not built on rows that break it.",
    )
    yield dg.AssetCheckSpec(
        AS_USUAL,
        asset=raw_key(suite.table),
        description="Nothing odd landed, and there is as much of it as there was in the weeks before.",
    )


def _contract(name: str, found: "TableInspection") -> dg.AssetCheckResult:
    broken = [one for one in found.contract if one.blocks]
    rows = found.batch.rows
    said = f"Each of {rows:,} rows that landed holds it." if rows else "Nothing landed."
    return dg.AssetCheckResult(
        passed=not broken,
        asset_key=raw_key(name),
        check_name=CONTRACT,
        severity=dg.AssetCheckSeverity.ERROR,
        description=_in_words(broken) or said,
        metadata={"rows": rows, "expectations": len(found.contract), **_shown(name, CONTRACT, broken)},
    )


def _as_usual(name: str, found: "TableInspection") -> dg.AssetCheckResult:
    odd = [one for one in (*found.contract, *found.past) if not one.passed and not one.blocks]
    said = f"{len(found.past)} comparisons with the past." if found.past else "Too little of the past is known."
    return dg.AssetCheckResult(
        passed=not odd,
        asset_key=raw_key(name),
        check_name=AS_USUAL,
        severity=dg.AssetCheckSeverity.WARN,
        description=_in_words(odd) or said,
        metadata={"comparisons": len(found.past), **_shown(name, AS_USUAL, odd)},
    )


def _in_words(wrong: "Sequence[Outcome]") -> str:
    return "; ".join(f"not so: {one.expectation} ({one.observed})" for one in wrong[:3])


def _shown(name: str, check: str, wrong: "Sequence[Outcome]") -> dict[str, Any]:
    """What is wrong, where, why it matters and what to do."""
    if not wrong:
        return {}
    stream = next(stream.name for stream in STREAMS.values() if name in stream.tables)
    examples = [f"`{example}`" for one in wrong for example in one.examples]
    rows = [{"expected": one.expectation, "seen": one.observed, "why": one.why} for one in wrong]
    return {
        "broken": table(rows),
        **({"examples": dg.MetadataValue.md(some_of(examples))} if examples else {}),
        "recovery": _RECOVERY[check].format(stream=stream, table=name),
    }
