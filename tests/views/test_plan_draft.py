"""The page of a draft: what would happen to each number, narrowing it, and confirming exactly that."""

import csv
import io
import re
import threading
from datetime import timedelta
from uuid import uuid4

import time_machine
from django.core.cache import cache
from django.utils import timezone

from dashboard import access
from dashboard.models import Connection, Group, PhoneNumber, Plan, Source, SyncRun
from dashboard.services import approving, planning, running, sync
from dashboard.services import connection as connections
from dashboard.services.planning import Row

from ..conftest import signed_in
from ..reading import text_of
from ..services.conftest import beside
from ..services.planned import approve, draft, some, states, verdicts
from .confirmed import confirm, plan
from .editing import HTMX
from .story import in_and_out_of_scope, save

__all__ = ["plan"]

TARGET = "+4917604069180"


def rows_of(response):
    """The keys of the rows in their order."""
    return [int(key) for key in re.findall(r'id="row-(\d+)"', response.content.decode())]


def test_numbers_are_grouped_by_what_will_happen(ops_client, ops, synced):
    fine, same, bad, loop = some(4)
    PhoneNumber.objects.filter(pk=same.pk).update(forward_to=TARGET, forward_to_enabled=True)
    plan = draft(
        ops, PhoneNumber.objects.filter(pk__in=[fine.pk, same.pk]), forward_to=TARGET, forward_to_enabled=True
    )
    for number, target in ((bad, "+499001123456"), (loop, loop.number)):
        other = draft(ops, [number], forward_to=target, forward_to_enabled=True)
        other.changes.update(plan=plan)
    words = text_of(ops_client.get(f"/plans/{plan.pk}/"))
    order = [words.index(title) for title in ("Invalid 1 ·", "Would go round 1 ·", "No change 1 ·", "Change 1 ·")]
    assert order == sorted(order)
    assert "1 number will change in Close. 3 stay as they are." in words
    assert "All 4 Invalid 1 Would go round 1 No change 1 Change 1" in words
    only = ops_client.get(f"/plans/{plan.pk}/?show=loop")
    assert len(rows_of(only)) == 1
    assert "so calls would go round" in text_of(only)


def test_a_target_that_was_never_used_is_marked(ops_client, ops, synced):
    one, two, three = some(3)
    rows = [Row(one, {"forward_to": TARGET}), Row(two, {"forward_to": three.forward_to}), Row(three, {"label": "x"})]
    assert not PhoneNumber.objects.filter(forward_to=TARGET).exists()
    plan = planning.propose(actor=access.person(ops), source=Source.BULK, rows=rows, intent=uuid4())
    # What others have only thought of was not used.
    draft(ops, [three], forward_to=TARGET)
    page = text_of(ops_client.get(f"/plans/{plan.pk}/"))
    assert page.count("First use: no number of yours was forwarded there before.") == 1
    save(ops, three, forward_to=TARGET)
    save(ops, three, was={"forward_to": TARGET}, forward_to="+14155550142")
    assert "First use" not in text_of(ops_client.get(f"/plans/{plan.pk}/"))


def test_a_page_has_fifty_rows_and_a_search(ops_client, ops, synced, plan):
    number = plan.changes.first().number
    assert rows_of(ops_client.get(f"/plans/{plan.pk}/?q={number.number[1:]}")) == [plan.changes.first().pk]
    big = draft(ops, PhoneNumber.objects.all(), label="x")
    copies = [change for change in big.changes.all()]
    for change in copies:
        change.pk = None
    type(copies[0]).objects.bulk_create(copies)
    response = ops_client.get(f"/plans/{big.pk}/?page=2")
    assert len(rows_of(response)) == 30
    assert "51–80 of 80" in text_of(response)
    for address in ("?page=99", "?page=x&show=nothing", "?q=%00", "?show=moved"):
        assert ops_client.get(f"/plans/{big.pk}/{address}").status_code == 200


def test_approving_it_hands_exactly_that_to_the_worker(ops_client, plan, synced):
    response = confirm(ops_client, plan, reason="Christmas\r\nis near", name="Winter\r\nholiday")
    assert (response.status_code, response["Location"]) == (303, f"/plans/{plan.pk}/")
    plan.refresh_from_db()
    assert (plan.state, plan.name, plan.reason) == (Plan.State.APPROVED, "Winter holiday", "Christmas is near")
    running.run_due()
    sent = sorted((change.number.close_id, {"label": "Team"}) for change in plan.changes.select_related("number"))
    assert sorted(synced.puts()) == sent


def test_a_name_with_control_characters_is_refused_beside_it(ops_client, plan):
    response = confirm(ops_client, plan, name="Holi\aday")
    assert response.status_code == 422
    assert "A name is one line of text, without control characters." in text_of(response)


def test_the_count_is_typed_and_a_wrong_one_keeps_what_was_typed(ops_client, ops, synced):
    plan = draft(ops, PhoneNumber.objects.order_by("pk")[:26], label="x")
    assert "To confirm, type 26" in text_of(ops_client.get(f"/plans/{plan.pk}/"))
    response = confirm(ops_client, plan, count="25", reason="All of them")
    assert response.status_code == 422
    assert "Type 26 to confirm that 26 numbers change." in text_of(response)
    assert 'value="25"' in response.content.decode()
    assert "All of them</textarea>" in response.content.decode()
    assert confirm(ops_client, plan, count="26").status_code == 303


def test_the_count_is_asked_for_where_a_number_is_left_without_anybody(ops_client, ops, synced):
    plan = draft(ops, PhoneNumber.objects.exclude(members=None)[:1], participants=[])
    assert "To confirm, type 1" in text_of(ops_client.get(f"/plans/{plan.pk}/"))
    assert confirm(ops_client, plan, count="1").status_code == 303
    assert states(plan) == ["pending"]


def test_what_was_changed_meanwhile_is_shown_and_decided_for_each(ops_client, ops, plan, synced):
    seen = approving.digest(plan)
    one, two = (change.number for change in plan.changes.select_related("number").order_by("pk")[:2])
    save(ops, one, label="Mine first")
    save(ops, two, label="Mine too")
    response = confirm(ops_client, plan, digest=seen)
    assert response.status_code == 409
    assert "The plan is not what you saw any more." in text_of(response)
    assert "You chose: Team" in text_of(response)
    first, second = rows_of(response)[:2]
    address = f"/plans/{plan.pk}/rows/"
    kept = ops_client.post(address, {"leave": first, "reason": "Typed", "when": "later"}, **HTMX)
    assert kept.status_code == 200
    assert "Typed</textarea>" in kept.content.decode()
    assert first not in rows_of(kept)
    response = ops_client.post(address, {"mine": second})
    assert (response.status_code, response["Location"]) == (303, f"/plans/{plan.pk}/")
    assert verdicts(plan) == ["change"] * 3
    assert confirm(ops_client, plan).status_code == 303


def test_all_that_moved_are_decided_at_once(ops_client, ops, plan, synced):
    for change in plan.changes.select_related("number"):
        save(ops, change.number, label="Mine first")
    assert "They stand first" in text_of(ops_client.post(f"/plans/{plan.pk}/compare/", follow=True))
    ops_client.post(f"/plans/{plan.pk}/rows/", {"mine": "moved"})
    assert verdicts(plan) == ["change"] * 4


def test_compare_again_reads_close_first(ops_client, plan, synced):
    change = plan.changes.select_related("number").first()
    synced.organisation.change(change.number.close_id, {"label": "Theirs"})
    assert "They stand first" in text_of(ops_client.post(f"/plans/{plan.pk}/compare/", follow=True))
    assert sorted(verdicts(plan)) == ["change", "change", "change", "moved"]


def test_compare_again_is_for_drafts_and_has_an_end(synced, lead, lead_client):
    url = f"/plans/{draft(lead, access.changeable_numbers(access.person(lead))[:2], label='Ours').pk}/compare/"
    answers = [text_of(lead_client.post(url, follow=True)) for _ in range(7)]
    assert ["You have compared often" in words for words in answers] == [False] * 6 + [True]
    assert len(synced.journal) == 12
    cache.clear()
    Plan.objects.update(state=Plan.State.CANCELLED)
    assert lead_client.post(url).status_code == 303
    assert len(synced.journal) == 12


def test_many_numbers_are_read_by_a_walk_and_the_page_says_how_far_it_is(ops_client, ops, synced):
    plan = draft(ops, some(21), label="Team")
    Connection.note(worker_seen_at=timezone.now())
    url = f"/plans/{plan.pk}/compare/"
    asked = ops_client.post(url)
    since = asked["Location"].partition("comparing=")[2]
    assert "Close is being read." in text_of(ops_client.get(asked["Location"]))
    run = SyncRun.objects.create(began_at=timezone.now(), seen=12, expected=40)
    part = ops_client.post(url, {"since": since}, **HTMX)
    assert "Reading Close: 12 of about 40" in text_of(part)
    run.delete()
    synced.organisation.change(plan.changes.first().number.close_id, {"label": "Theirs"})
    sync.sync()
    assert ops_client.post(url, {"since": since}, **HTMX)["HX-Redirect"] == f"/plans/{plan.pk}/"
    assert verdicts(plan).count("moved") == 1


def test_a_plan_that_was_approved_in_another_tab_runs_once(ops_client, ops, plan):
    seen = approving.digest(plan)
    approve(plan, ops)
    response = confirm(ops_client, plan, digest=seen)
    assert response.status_code == 409
    assert "not a draft any more" in text_of(response)
    assert ops_client.post(f"/plans/{plan.pk}/rows/", {"leave": "1"}).status_code == 409
    assert ops_client.post(f"/plans/{plan.pk}/discard/").status_code == 409
    assert states(plan) == ["pending"] * 4


def test_two_tabs_at_the_same_moment_approve_it_once(ops, plan, synced):
    fields = {"digest": approving.digest(plan), "name": plan.name, "when": "now", "drift": "leave", "do": "approve"}
    ready = threading.Barrier(2)

    def press():
        client = signed_in(ops)
        ready.wait()
        return client.post(f"/plans/{plan.pk}/", fields)

    with beside(press) as one, beside(press) as other:
        answers = [one.result(), other.result()]
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    told = next(answer for answer in answers if answer.status_code == 409)
    assert re.search("It runs once|not a draft any more", text_of(told))
    running.run_due()
    assert sorted(synced.puts()) == sorted((number.close_id, {"label": "Team"}) for number in some(4))


def test_one_number_that_is_not_allowed_is_shown_and_the_plan_cannot_carry_it(synced, lead, lead_client):
    mine = list(access.changeable_numbers(access.person(lead)))
    shared = mine[0]
    shared.groups.add(Group.objects.exclude(pk__in=lead.access.teams.all()).first())
    others = sorted(number.close_id for number in mine[1:])
    chosen = {"intent": str(uuid4()), "numbers": " ".join(number.close_id for number in mine)}
    response = lead_client.post("/plans/new/", chosen | {"label": "set", "label_text": "Mine"})
    plan = Plan.objects.get(background=True)
    assert response["Location"] == f"/plans/{plan.pk}/"
    words = text_of(lead_client.get(f"/plans/{plan.pk}/"))
    assert f"All {len(mine)} Not allowed 1 Change {len(others)}" in words

    # Nor by asking for it once more, row by row.
    row = plan.changes.get(number=shared)
    lead_client.post(f"/plans/{plan.pk}/rows/", {"mine": row.pk})
    assert plan.changes.get(number=shared).verdict == "forbidden"
    assert confirm(lead_client, plan, count=str(len(others))).status_code == 303
    running.run_due()
    assert sorted(close_id for close_id, _ in synced.puts()) == others


def test_while_writes_are_stopped_it_stays_a_draft(ops_client, ops, plan, person_of):
    connections.stop_writes(actor=person_of(ops))
    response = confirm(ops_client, plan, reason="Typed")
    assert response.status_code == 503
    assert "stopped all writes" in text_of(response)
    assert "Typed</textarea>" in response.content.decode()
    assert states(plan) == ["planned"] * 4


def test_it_is_saved_as_a_draft_or_thrown_away(ops_client, plan, synced):
    response = confirm(ops_client, plan, do="save", name="For later")
    assert response["Location"] == "/plans/"
    assert "For later" in text_of(ops_client.get("/plans/"))
    response = confirm(ops_client, plan, do="enter", name="Named by Enter")
    assert response["Location"] == f"/plans/{plan.pk}/"
    assert states(plan) == ["planned"] * 4
    ops_client.post(f"/plans/{plan.pk}/discard/")
    assert not Plan.objects.filter(background=True).exists()
    assert synced.puts() == []


def test_a_lead_sees_and_runs_their_own_plan_alone(synced, ops, lead):
    mine, _ = in_and_out_of_scope(lead)
    theirs, plan = draft(ops, some(2), label="x"), draft(lead, [mine], label="Mine")
    client = signed_in(lead)
    assert client.get(f"/plans/{theirs.pk}/").status_code == 404
    assert confirm(client, plan).status_code == 303
    assert states(plan) == ["pending"]
    # An ops admin sees everybody's, and may run them.
    assert signed_in(ops).get(f"/plans/{plan.pk}/").status_code == 200


def test_numbers_that_left_the_leads_teams_are_not_shown(synced, lead):
    mine, _ = in_and_out_of_scope(lead)
    plan = draft(lead, [mine], label="Mine")
    lead.access.teams.set([])
    lead.refresh_from_db()
    response = signed_in(lead).get(f"/plans/{plan.pk}/")
    assert rows_of(response) == []
    assert "1 more is outside your teams by now" in text_of(response)


def test_all_rows_are_a_file(ops_client, plan):
    answer = ops_client.get(f"/plans/{plan.pk}/export.csv")
    lines = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert [line["number_id"] for line in lines] == [
        change.number.close_id for change in plan.changes.select_related("number").order_by("pk")
    ]
    assert {(line["field"], line["to"], line["what"]) for line in lines} == {("label", "Team", "Change")}


def test_an_old_draft_has_to_be_made_anew(ops, plan):
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        response = confirm(signed_in(ops), plan)
    assert response.status_code == 409
    assert "more than 7 days old" in text_of(response)
