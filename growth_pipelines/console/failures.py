"""Which HTTP status a refusal has."""

from __future__ import annotations

from growth_pipelines.actions.experiments.proposals import NotProposed
from growth_pipelines.actions.experiments.registry import MayNotExperiment, NoSuchExperiment
from growth_pipelines.actions.experiments.states import NoSuchMove
from growth_pipelines.actions.queue import NoSuchAction
from growth_pipelines.actions.suppression import MayNotLift, NotSuppressed
from growth_pipelines.actions.tasks import MayNotFinish, NoOpenTask
from growth_pipelines.actions.template_pauses import MayNotResume, NotPaused
from growth_pipelines.approvals.bulk import NotConfirmed
from growth_pipelines.approvals.decide import DecisionRefused, NotAllowed, TimeIsOver
from growth_pipelines.approvals.passwords import TooBusy
from growth_pipelines.approvals.sessions import MayNotAdminister, NotFresh
from growth_pipelines.approvals.signatures import ProofRefused
from growth_pipelines.approvals.tokens import MissingScope
from growth_pipelines.console.changes import Changed
from growth_pipelines.console.dagster_ui.upstream import DagsterSilent
from growth_pipelines.console.identity import NotSignedIn
from growth_pipelines.console.rate_limits import TooManyRequests
from growth_pipelines.errors import GrowthError
from growth_pipelines.policies.book import MayNotSave, Outdated
from growth_pipelines.readouts.drawing import NotDrawn
from growth_pipelines.readouts.keeping import NotRead, ReadSince
from growth_pipelines.store.database import StoreUnavailable
from growth_pipelines.store.incidents import NoSuchIncident
from growth_pipelines.store.known_events import MayNotNote


class BadRequest(GrowthError):
    """The request can't be understood."""

    def __init__(self, message: str, hint: str = "", status: int = 422) -> None:
        super().__init__(message, hint)
        self.status = status


class MayNotDecide(GrowthError):
    """The person's role decides nothing."""


# The first that fits counts.
_STATUS: tuple[tuple[type[GrowthError], int], ...] = (
    (NotSignedIn, 401),
    (NotAllowed, 403),
    (MayNotDecide, 403),
    (MissingScope, 403),
    (MayNotAdminister, 403),
    (NotFresh, 403),
    (MayNotLift, 403),
    (MayNotResume, 403),
    (MayNotFinish, 403),
    (MayNotSave, 403),
    (MayNotNote, 403),
    (MayNotExperiment, 403),
    (Changed, 412),
    (TimeIsOver, 410),
    (DecisionRefused, 409),
    (NotSuppressed, 409),
    (NotPaused, 409),
    (NoOpenTask, 409),
    (Outdated, 409),
    (NotConfirmed, 409),
    (NoSuchMove, 409),
    (NotProposed, 409),
    (NotDrawn, 409),
    (NotRead, 409),
    (ReadSince, 409),
    (NoSuchAction, 404),
    (NoSuchIncident, 404),
    (NoSuchExperiment, 404),
    (TooManyRequests, 429),
    (TooBusy, 503),
    (StoreUnavailable, 503),
    (DagsterSilent, 503),
)


def status_of(problem: GrowthError) -> int:
    """The HTTP status of a refusal."""
    if isinstance(problem, BadRequest):
        return problem.status
    if isinstance(problem, ProofRefused):
        return 401 if problem.flaw in ("no_session", "no_token") else 403
    return next((status for kind, status in _STATUS if isinstance(problem, kind)), 422)
