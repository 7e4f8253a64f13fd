"""Findings in words: what an operator reads in a list, a mail and a chat. The copy is in ``wording.yaml``."""

from __future__ import annotations

from datetime import date

from growth_pipelines.monitoring.findings import Finding, Found
from growth_pipelines.monitoring.metrics import metrics, words


def title_of(found: Found) -> str:
    """ "Orders fell by 23 % (15 to 30 %) since 12 Nov 2026"."""
    lead, copy = found.lead, words()
    if lead.expected_on is not None:
        return _of_forecast(found)
    if lead.metric == "freshness":
        return str(copy["too_old"]).format(subject=lead.subject, since=day(lead.since))
    label = label_of(lead)
    if lead.direction == "down" and lead.size <= -0.995:
        return str(copy["stopped"]).format(label=label, of=_of(found), since=day(lead.since))
    template = str(copy["fell" if lead.direction == "down" else "rose"])
    return template.format(
        label=label, of=_of(found), size=percent(lead.size), interval=interval(lead), since=day(lead.since)
    )


def _of_forecast(found: Found) -> str:
    lead, copy = found.lead, words()["forecast"]
    count = len(found.findings)
    name = "freshness" if lead.metric == "freshness" else "stock" if lead.family == "stock" else "floor"
    template = copy["stock_many"] if name == "stock" and count > 1 else copy[name]
    return str(template).format(
        label=label_of(lead),
        subject=lead.subject,
        count=count,
        on=day(lead.expected_on or lead.since),
        first=day(lead.first),
        last=day(lead.last),
    )


def _of(found: Found) -> str:
    copy = words()
    if found.level == "shop":
        return ""
    pages = {one.subject for one in found.findings if one.level == found.lead.level}
    if found.level == "template":
        return str(copy["template"]).format(count=len(pages), subject=found.subject)
    more = len(pages) - 1
    own = str(copy["page"]).format(subject=found.subject)
    if found.level == "page" and more:
        own += str(copy["more_pages"] if more > 1 else copy["one_more_page"]).format(more=more)
    return own


def label_of(finding: Finding) -> str:
    """What the metric is called; of a web vital, with the device."""
    known = next((one.label for one in metrics() if one.name == finding.metric), None)
    if known is not None:
        return known
    name, _, device = finding.metric.partition(" ")
    labels = words()["labels"]
    if finding.family == "data":
        return str(labels["rows"])
    return str(labels.get(name, name)) + (f" on {device}" if finding.family == "vitals" else "")


def interval(finding: Finding) -> str:
    """ " (15 to 30 %)"; empty where none is known, signed where it holds both directions."""
    low, high = finding.low, finding.high
    if low is None or high is None:
        return ""
    if low * high < 0:
        return f" ({100 * low:+.0f} to {100 * high:+.0f} %)".replace("-", "−")
    near, far = sorted((abs(low), abs(high)))
    return f" ({100 * near:.0f} to {100 * far:.0f} %)"


def percent(share: float) -> str:
    """The size of a change, without a sign."""
    return f"{100 * abs(share):.0f} %"


def day(value: date) -> str:
    return f"{value.day} {value:%b %Y}"


def refuted_by(cause: str) -> str:
    """What one would have to see for the cause to be wrong."""
    return str(words()["refuted_by"].get(cause, words()["refuted_by"][""]))


def cause_in_words(cause: str) -> str:
    return str(words()["causes"].get(cause, cause))
