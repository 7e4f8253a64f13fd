"""The launchpad's form for a decision: a job that hands a signed record in.

It proves nothing and decides nothing: the record becomes an event of ``X_approval``, and the sensor on that event
verifies it.
"""

import dagster as dg
from pydantic import Field

from growth_pipelines.defs.applications import RECORD


class SignedRecord(dg.PermissiveConfig):
    """What ``growth actions sign ID --digest D`` prints, pasted as it is in place of ``{}``."""

    action_id: str = Field(description="the action's id")
    version: int = Field(description="the version of the draft that was looked at")
    digest: str = Field(description="what that draft says, as a digest: another draft is not approved by it")
    decision: str = Field(description="approve, reject, request_changes, defer or rollback")
    operator: str = Field(description="whose key signed it")
    expires_at: str = Field(description="until when the record can be handed in")
    signature: str = Field(description="ed25519, base64; more fields of the record may follow")


def approval_form(recommender: str) -> dg.JobDefinition:
    """The job ``approve_X``."""

    @dg.op(name=f"hand_in_{recommender}_decision")
    def hand_in(context: dg.OpExecutionContext, config: SignedRecord) -> None:
        """Report the record on the approval asset."""
        context.log_event(
            dg.AssetMaterialization(
                f"{recommender}_approval",
                description="Handed in by the launchpad; the approval sensor verifies its signature.",
                metadata={RECORD: dg.MetadataValue.json(config.model_dump())},
            )
        )

    @dg.job(
        name=f"approve_{recommender}",
        description=f"Hand in a decision on an action of {recommender}: in the launchpad, put the line that "
        "`growth actions sign ID --digest D` prints in place of `{}`.",
    )
    def form() -> None:
        hand_in()

    return form
