"""What an executed action did, told from resources that nothing was done to. Pure: arrays in, effects out."""

from growth_pipelines.outcomes.classes import OutcomeClass, classify
from growth_pipelines.outcomes.effect import Effect, Skipped, measure
from growth_pipelines.outcomes.looks import HORIZONS
from growth_pipelines.outcomes.panel import Panel, panel_of
from growth_pipelines.outcomes.reading import Executed, Reading, Tested, read_outcomes, read_vitals
from growth_pipelines.outcomes.returns import Return, not_known, return_document, return_of, returns
from growth_pipelines.outcomes.subjects import NotMeasurable, Subject, subject_of
from growth_pipelines.outcomes.totals import Total, total
from growth_pipelines.outcomes.vitals import FORM_FACTORS, VITALS

__all__ = [
    "FORM_FACTORS",
    "HORIZONS",
    "VITALS",
    "Effect",
    "Executed",
    "NotMeasurable",
    "OutcomeClass",
    "Panel",
    "Reading",
    "Return",
    "Skipped",
    "Subject",
    "Tested",
    "Total",
    "classify",
    "measure",
    "not_known",
    "panel_of",
    "read_outcomes",
    "read_vitals",
    "return_document",
    "return_of",
    "returns",
    "subject_of",
    "total",
]
