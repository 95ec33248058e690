"""A plan that was approved: how far it has come, stopping it, what failed, trying again, putting back."""

from datetime import time, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from dashboard import access
from dashboard.models import Absence, Connection, Plan
from dashboard.services import absences, running

from ..conftest import signed_in
from ..reading import text_of
from ..services.planned import approve, draft, some, states
from .editing import HTMX
from .story import in_and_out_of_scope


@pytest.fixture(autouse=True)
def _worker(db):
    Connection.note(worker_seen_at=timezone.now())


@pytest.fixture
def plan(synced, ops):
    return approve(draft(ops, some(4), label="Team"), ops)


def test_the_page_asks_for_the_progress_until_it_has_ended(ops_client, plan):
    page = ops_client.get(f"/plans/{plan.pk}/")
    assert f'hx-get="/plans/{plan.pk}/progress/?" hx-trigger="every 2s"' in page.content.decode()
    assert "0 of 4" in text_of(page)
    assert "Cancel all 4" in text_of(page)
    running.run_due()
    part = ops_client.get(f"/plans/{plan.pk}/progress/", **HTMX)
    assert part.content.decode().startswith('<div id="plan">')
    assert "every 2s" not in part.content.decode().split("\n")[0]
    assert "4 of 4" in text_of(part)
    assert "The plan has ended: 4 changed." in text_of(part)
    assert 'class="done" width="100.00%"' in part.content.decode()


def test_failures_stand_first_in_closes_words_and_are_tried_again(ops_client, ops, plan, synced):
    number = plan.changes.last().number
    synced.fault("400", method="PUT", path=f"/phone_number/{number.close_id}/", times=1)
    running.run_due()
    words = text_of(ops_client.get(f"/plans/{plan.pk}/"))
    assert "1 number was not changed." in words
    assert "All 4 Not changed 1 Applied 3" in words
    assert words.index("Refused") < words.index("Applied", words.index("Outcome Time"))
    error = plan.changes.get(state="refused").error
    assert f"Close: {error}" in words
    response = ops_client.post(f"/plans/{plan.pk}/retry/", {"intent": str(uuid4())})
    again = Plan.objects.get(retries=plan)
    assert (response.status_code, response["Location"]) == (303, f"/plans/{again.pk}/")
    assert [change.number for change in again.changes.all()] == [number]
    assert "Once more: " in text_of(ops_client.get(f"/plans/{plan.pk}/"))
    approve(again, ops)
    synced.journal.clear()
    running.run_due()
    assert synced.puts() == [(number.close_id, {"label": "Team"})]


def test_one_failure_of_several_is_tried_again_by_itself(ops_client, plan, synced):
    synced.fault("400", method="PUT", times=4)
    running.run_due()
    change = plan.changes.first()
    assert f'id="retry-{change.pk}"' in ops_client.get(f"/plans/{plan.pk}/").content.decode()
    ops_client.post(f"/plans/{plan.pk}/retry/", {"intent": str(uuid4()), "change": f"{change.pk}"})
    assert [one.number_id for one in Plan.objects.get(retries=plan).changes.all()] == [change.number_id]
    assert ops_client.post(f"/plans/{plan.pk}/retry/", {"change": "1"}).status_code == 403


def test_it_is_put_back_by_a_plan_of_its_own(ops_client, ops, plan, synced):
    before = {change.number.close_id: change.before["label"] for change in plan.changes.select_related("number")}
    running.run_due()
    response = ops_client.post(f"/plans/{plan.pk}/undo/", {"intent": str(uuid4())})
    back = Plan.objects.get(undoes=plan)
    assert response["Location"] == f"/plans/{back.pk}/"
    approve(back, ops)
    synced.journal.clear()
    running.run_due()
    assert dict(synced.puts()) == {close_id: {"label": label} for close_id, label in before.items()}
    assert "Undone" in text_of(ops_client.get(f"/plans/{plan.pk}/"))


def test_pausing_going_on_and_cancelling(ops_client, plan):
    response = ops_client.post(f"/plans/{plan.pk}/pause/")
    assert (response.status_code, response["Location"]) == (303, f"/plans/{plan.pk}/")
    words = text_of(ops_client.get(f"/plans/{plan.pk}/"))
    assert "Paused" in words
    assert "Go on" in words
    ops_client.post(f"/plans/{plan.pk}/resume/")
    plan.refresh_from_db()
    assert plan.state == Plan.State.APPROVED
    ops_client.post(f"/plans/{plan.pk}/cancel/")
    assert states(plan) == ["left_out"] * 4
    words = text_of(ops_client.get(f"/plans/{plan.pk}/"))
    assert "4 cancelled" in words
    assert "Marta Klein cancelled the plan before it came to this number." in words
    again = ops_client.post(f"/plans/{plan.pk}/cancel/")
    assert again.status_code == 403
    assert "This plan has ended already." in text_of(again)


def test_while_close_is_away_it_says_what_it_waits_for(ops_client, plan, synced, settings, monkeypatch):
    settings.CLOSE_TIMEOUT = 0.3
    monkeypatch.setattr("dashboard.close.client.BACKOFF", 0.0)
    synced.fault("503")
    running.run_due()
    words = text_of(ops_client.get(f"/plans/{plan.pk}/"))
    assert "Waiting for Close" in words
    assert "Close was unreachable" in words
    assert "Goes on at" in words
    assert "Try now" in words


def test_its_changes_lead_to_it_from_the_record(synced, ops, lead, plan):
    running.run_due()
    change = plan.changes.select_related("number").first()
    client, link = signed_in(ops), f'href="/plans/{plan.pk}/">Many at once</a>'
    assert client.get("/changes/?source=bulk").content.decode().count(link) == 4
    assert link in client.get(f"/numbers/{change.number.close_id}/").content.decode()
    # A lead who did not make it sees the change, and no way to a page that is not theirs.
    theirs, _ = in_and_out_of_scope(lead)
    running_for(ops, theirs)
    page = signed_in(lead).get("/changes/").content.decode()
    assert "Many at once" in page
    assert "/plans/" not in page.partition("<main")[2]


def running_for(user, number):
    approve(draft(user, [number], label="Another"), user)
    running.run_due()


def test_a_silent_worker_is_said(ops_client, plan):
    Connection.note(worker_seen_at=timezone.now() - timedelta(hours=1))
    assert "The worker is silent, so nothing goes on." in text_of(ops_client.get(f"/plans/{plan.pk}/"))


class TestList:
    def test_it_helps_who_has_no_plans_and_is_not_for_viewers(self, ops_client, viewer_client, synced):
        assert "No plans yet" in text_of(ops_client.get("/plans/"))
        assert viewer_client.get("/plans/").status_code == 403

    def test_what_is_open_stands_before_what_has_ended(self, ops, ops_client, synced):
        done = approve(draft(ops, some(2), label="One"), ops)
        running.run_due()
        later = approve(draft(ops, some(3), label="Two"), ops, run_at=timezone.now() + timedelta(hours=3))
        going = approve(draft(ops, some(4), label="Three"), ops)
        open_draft = draft(ops, some(5), label="Four")
        page = ops_client.get("/plans/").content.decode()
        places = [page.index(f'id="plan-{plan.pk}"') for plan in (going, later, open_draft, done)]
        assert places == sorted(places)
        words = text_of(ops_client.get("/plans/"))
        assert "5 would change" in words
        assert "2 of 2" in words
        response = ops_client.post(f"/plans/{later.pk}/cancel/", {"back": "list"})
        assert response["Location"] == "/plans/"
        assert states(later) == ["left_out"] * 3

    def test_what_is_held_is_run_or_dropped_item_by_item_or_all(self, synced, ops, lead):
        number = some(4)[3]
        one, two, three = (
            approve(draft(ops, [number], label="Old"), ops, run_at=timezone.now() + timedelta(hours=1))
            for number in some(3)
        )
        away = Absence(name="Fair", zone="UTC", first_day=timezone.now().date() + timedelta(days=1))
        away.start_time, away.end_time, away.end_days = time(9), time(9), 2
        absences.make(actor=access.person(ops), absence=away, numbers=[number], sets={"press_1_to_accept": False})
        due = away.occurrences.get()
        with time_machine.travel(due.starts_at + timedelta(minutes=1)):
            Connection.note(held_since=timezone.now(), held_why="The worker was silent for 20 hours.")
            client = signed_in(ops)
            words = text_of(client.get("/plans/"))
            assert "What was due is held" in words
            assert "The worker was silent for 20 hours." in words
            assert "Begins for 1 number" in words
            assert "The worker was silent for 20 hours." in text_of(client.get(f"/plans/{one.pk}/"))
            assert signed_in(lead).post("/plans/held/", {"do": "run"}).status_code == 403
            assert signed_in(lead).post("/plans/held/", {"do": "run", "item": f"plan-{one.pk}"}).status_code == 404

            def decide(do, **item):
                return text_of(client.post("/plans/held/", {"do": do, **item}, follow=True))

            assert "is dropped" in decide("drop", item=f"plan-{one.pk}")
            assert "goes on" in decide("run", item=f"plan-{two.pk}")
            running.run_due()
            assert (states(one), states(two), states(three)) == (["left_out"], ["applied"], ["pending"])
            assert "“Fair” is dropped" in decide("drop", item=f"absence-{due.pk}")
            assert "1 goes on." in decide("run")
            running.run_due()
        due.refresh_from_db()
        assert (due.state, states(three)) == ("skipped", ["applied"])
