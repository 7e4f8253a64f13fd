"""What an executed action did, told from resources that nothing was done to. Pure: arrays in, effects out."""

from growth_pipelines.outcomes.classes import OutcomeClass, classify
from growth_pipelines.outcomes.effect import Effect, Skipped, measure
from growth_pipelines.outcomes.panel import Panel, panel_of
from growth_pipelines.outcomes.reading import Executed, Reading, read_outcomes
from growth_pipelines.outcomes.subjects import NotMeasurable, Subject, subject_of
from growth_pipelines.outcomes.totals import Total, total

__all__ = [
    "Effect",
    "Executed",
    "NotMeasurable",
    "OutcomeClass",
    "Panel",
    "Reading",
    "Skipped",
    "Subject",
    "Total",
    "classify",
    "measure",
    "panel_of",
    "read_outcomes",
    "subject_of",
    "total",
]
