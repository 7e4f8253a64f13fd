"""A chat is linked by a code that counts once, for ten minutes, and can't be guessed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from click.testing import CliRunner

from growth_pipelines.approvals.automatic import save_book
from growth_pipelines.approvals.chats import (
    ChatProof,
    ConfirmFirst,
    LinkRefused,
    link_chat,
    linked_chats,
    new_code,
    unlink_operator,
)
from growth_pipelines.approvals.decide import DecisionRequest, decide
from growth_pipelines.approvals.signatures import ProofRefused
from growth_pipelines.commands.operators import operators
from growth_pipelines.errors import GrowthError
from growth_pipelines.policies.terms import book_of, shipped
from growth_pipelines.store.tables import LinkCode
from growth_pipelines.telegram.desk import Asker, Desk
from tests.drafts import NOW, seo_draft, submitted, with_operator
from tests.integration.telegram.conftest import BO, EVA, Scene

NEW = 1003


def code_for(scene: Scene, operator: str = "bo") -> str:
    with scene.store.session() as session:
        return new_code(session, operator, scene.clock.now()).code


def links(scene: Scene) -> dict[int, str]:
    with scene.store.read() as session:
        return {chat.user_id: chat.operator for chat in linked_chats(session)}


def test_a_code_counts_once_within_ten_minutes_and_only_its_hash_is_kept(scene: Scene) -> None:
    code = code_for(scene)
    with scene.store.read() as session:
        assert code not in {row.code_hash for row in session.query(LinkCode)}
    assert link_chat(scene.store, f" {code[:4].lower()} {code[4:]}", NEW, NEW, NOW) == "bo"
    with pytest.raises(LinkRefused):
        link_chat(scene.store, code, EVA, EVA, NOW)
    old, newer = code_for(scene), code_for(scene)
    with pytest.raises(LinkRefused):
        link_chat(scene.store, old, NEW, NEW, NOW)
    with pytest.raises(LinkRefused):
        link_chat(scene.store, newer, NEW, NEW, NOW + timedelta(minutes=10))
    assert links(scene) == {BO: "bo", NEW: "bo", EVA: "eva"}
    with pytest.raises(GrowthError):
        code_for(scene, "nobody")


def test_wrong_codes_lock_an_account_out_and_many_lock_all(scene: Scene) -> None:
    code = code_for(scene)
    for _ in range(5):
        with pytest.raises(LinkRefused, match="unknown"):
            link_chat(scene.store, "AAAABBBB", NEW, NEW, NOW)
    with pytest.raises(LinkRefused, match="Too many"):
        link_chat(scene.store, code, NEW, NEW, NOW)
    for account in range(5000, 5045):
        with pytest.raises(LinkRefused, match="unknown"):
            link_chat(scene.store, "AAAABBBB", account, account, NOW)
    with pytest.raises(LinkRefused, match="Too many"):
        link_chat(scene.store, code, 7000, 7000, NOW)
    later = NOW + timedelta(minutes=15)
    assert link_chat(scene.store, code_for_at(scene, later), NEW, NEW, later) == "bo"


def code_for_at(scene: Scene, now: object) -> str:
    scene.clock.instant = now
    return code_for(scene)


def test_an_operator_s_chats_end_together(scene: Scene) -> None:
    with scene.store.session() as session:
        assert unlink_operator(session, "bo", NOW, actor="bo") == 1
        assert unlink_operator(session, "bo", NOW, actor="bo") == 0
    assert links(scene) == {EVA: "eva"}
    assert [event.actor for event in scene.events("chat_unlinked")] == ["bo"]


@pytest.mark.usefixtures("bot")
def test_linking_and_unlinking_in_the_chat(scene: Scene) -> None:
    code = code_for(scene, "eva")
    scene.telegram.say(EVA, f"/link {code}", chat=-500)
    scene.telegram.last(-500, "Link in a private chat")
    scene.telegram.say(BO, "/link ZZZZZZZZ")
    scene.telegram.last(BO, "unknown, used or too old")
    # Who has a code becomes whom it is for: bo's account now speaks for eva.
    scene.telegram.say(BO, f"/start {code}")
    scene.telegram.last(BO, "You speak for eva here now")
    scene.telegram.say(BO, "/unlink")
    scene.telegram.last(BO, "speaks for nobody")
    assert links(scene) == {EVA: "eva"}
    before = len(scene.telegram.in_chat(BO))
    scene.telegram.say(BO, "/pending")
    scene.telegram.worked_off()
    assert len(scene.telegram.in_chat(BO)) == before


def test_the_command_line_gives_a_code_and_ends_chats(scene: Scene) -> None:
    environment = {"GROWTH_HOME": str(scene.settings.home), "GROWTH_NOW": NOW.isoformat(), "GROWTH_OPERATOR": "bo"}
    run = CliRunner(env=environment)
    said = run.invoke(operators, ["chat-code", "eva"], catch_exceptions=False).output
    code = said.strip().rpartition("/link ")[2]
    assert link_chat(scene.store, code, NEW, NEW, NOW) == "eva"
    assert "2 of eva's chats ended" in run.invoke(operators, ["chat-unlink", "eva"], catch_exceptions=False).output
    assert links(scene) == {BO: "bo"}
    made = scene.events("chat_code_made")[-1]
    assert (made.actor, made.channel, made.payload) == ("bo", "cli", {"operator": "eva"})


def leave_to(scene: Scene, chat: str) -> None:
    """Have policies say from now on that seo_ctr is approved this way."""
    with_operator(scene.store, scene.settings, "ada", "admin")
    document = shipped().document()
    rules = [*document["rules"], {"kind": "seo_ctr", "chat": chat}]
    with scene.store.session() as session:
        book = book_of({**document, "rules": rules})
        save_book(session, book, actor="ada", channel="console", now=NOW, seen=0)


def test_what_policies_leave_to_the_console_no_chat_approves_whatever_button_it_shows(scene: Scene) -> None:
    (action,) = submitted(scene.store, seo_draft())
    leave_to(scene, "console")
    asked = DecisionRequest(action.id, "approve", action.digest)
    for confirmed in (False, True):
        proof = ChatProof(BO, BO, tuple(scene.settings.telegram.allowed_chats), confirmed)
        with pytest.raises(ProofRefused, match="leave approving this to the console"):
            decide(scene.store, scene.settings, asked, proof, NOW)
    no = DecisionRequest(action.id, "reject", action.digest, reason="tone")
    assert decide(scene.store, scene.settings, no, proof, NOW).state == "rejected"


def test_one_yes_that_was_on_its_way_when_policies_began_to_ask_for_two_approves_nothing(scene: Scene) -> None:
    (action,) = submitted(scene.store, seo_draft())
    desk, bo = Desk(scene.store, scene.settings, scene.clock), Asker(BO, BO)
    assert desk.case(action.id).confirm == "once"
    leave_to(scene, "twice")
    asked = DecisionRequest(action.id, "approve", action.digest)
    with pytest.raises(ConfirmFirst, match="twice"):
        desk.decide(bo, asked)
    assert scene.action(action).state == "pending"
    assert desk.decide(bo, asked, confirmed=True).state == "approved"
