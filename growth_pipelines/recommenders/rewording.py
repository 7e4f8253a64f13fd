"""Drafted texts in a language model's words, where one is configured and what it wrote passes every check."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from growth_pipelines.actions.model import ActionDraft, CheckRun
from growth_pipelines.actions.structured_fields import entry_field, entry_text
from growth_pipelines.content.attribution import entry_part, model_template
from growth_pipelines.content.habits import NO_HABITS, Habits
from growth_pipelines.content.rewording import TEMPLATE, LanguageModel, reworded
from growth_pipelines.recommenders.habits import with_new_text
from growth_pipelines.recommenders.phrases import phrases

# The field of an entry that is running text, by type → its kind for the score.
_TEXTS = {"growth_landing_page": ("intro", "intro")}


def worded(
    drafts: Sequence[ActionDraft],
    model: LanguageModel | None,
    locale: str,
    paused: Collection[str] = (),
    habits: Habits = NO_HABITS,
) -> list[ActionDraft]:
    """The drafts, introductions of new pages reworded and labelled; all others, and all while the model's words
    are ``paused``, as they are.

    A draft's own text is the evidence: the model may say it better, and nothing besides, nor what operators'
    habits keep out of it.
    """
    if model is None or model_template(model.name) in paused:
        return list(drafts)
    return [_worded(draft, model, locale, habits) if "preview" in draft.labels else draft for draft in drafts]


def _worded(draft: ActionDraft, model: LanguageModel, locale: str, habits: Habits) -> ActionDraft:
    entry = draft.draft["entries"][0]
    name, kind = _TEXTS[entry["type"]]
    fields = entry["fields"]
    evidence = [fields[name], fields["h1"], fields["title"]]
    written = reworded(
        fields[name], kind, {"evidence": evidence, "subject": fields["h1"], "locale": locale}, model, habits=habits
    )
    notes = phrases("metaobject_gen")["checks"]
    if written.by == TEMPLATE:
        check = CheckRun(
            name="language model", passed=True, note=notes["not_reworded"].format(why=written.refused)
        )
        return draft.model_copy(update={"checks": (*draft.checks, check)})
    draft = with_new_text(draft, name, written.text, habits)
    changed = {**entry, "fields": {**fields, name: written.text}}
    shown = entry_field(entry["type"], entry["handle"])
    diff = tuple(
        change.model_copy(update={"after": entry_text(changed["fields"])}) if change.field == shown else change
        for change in draft.diff
    )
    check = CheckRun(name="language model", passed=True, note=notes["reworded"].format(model=written.by))
    made_by = {entry_part(entry["type"], entry["handle"], name): [model_template(written.by)]}
    templates = {**draft.draft.get("templates", {}), **made_by}
    return draft.model_copy(
        update={
            "draft": {**draft.draft, "templates": templates, "entries": [changed], "worded_by": written.by},
            "diff": diff,
            "checks": (*draft.checks, check),
            "labels": (*draft.labels, f"worded by {written.by}"),
        }
    )
