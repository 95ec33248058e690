"""Absences on the site: planned in a form, seen on a page, stopped by a click; what will ring at a moment to come."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard import access
from dashboard.models import Absence, Group, Holding, Notice, Occurrence, PhoneNumber, Plan, Role
from dashboard.services import absence_clock, approving, running
from dashboard.templatetags.ui import phone

from ..conftest import make_user, signed_in
from ..reading import html_of, text_of
from ..services.planned import approve, draft
from .planned_absence import at, clock, number, plan_it
from .story import in_and_out_of_scope

__all__ = ["clock", "number", "plan_it"]


def test_the_form_says_what_it_is_about(number, ops_client):
    response = ops_client.post("/absences/new/", {"numbers": number.close_id})
    assert "For a while: 1 number" in text_of(response)
    assert "No numbers are selected" in text_of(ops_client.get("/absences/new/"))


def test_it_is_planned_seen_on_and_over(number, plan_it, ops, ops_client, clock, synced):
    response = plan_it()
    assert response.status_code == 303
    page = text_of(ops_client.get(response["Location"]))
    assert "Trade fair" in page
    assert "forwards to +49 176 04069180" in page
    assert "“Trade fair” is planned." in page
    assert "Coming" in text_of(ops_client.get("/absences/"))

    clock.move_to("2026-12-04T18:00:30+01:00")
    absence_clock.tick()
    running.run_due()
    absence_clock.tick()
    body = {"forward_to": "+4917604069180"}
    assert synced.puts()[0][0] == number.close_id
    assert body.items() <= synced.puts()[0][1].items()
    # A session that was not used for an hour has ended.
    ops_client = signed_in(ops)
    page = text_of(ops_client.get("/absences/"))
    assert "End now" in page
    assert "Trade fair, Fri 04 Dec" in page

    stopped = ops_client.post(f"{response['Location']}stop/")
    assert stopped.status_code == 303
    absence_clock.tick()
    running.run_due()
    absence_clock.tick()
    assert "Over" in text_of(ops_client.get(response["Location"]))
    assert PhoneNumber.objects.get(pk=number.pk).forward_to == number.forward_to


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"name": ""}, "Give it a name"),
        ({"forwarding": ""}, "Choose at least one thing to change"),
        ({"target": "nowhere"}, "Only digits can be dialled"),
        ({"from_time": "soon"}, "Type a time such as 17:30"),
        ({"until_day": "2026-12-03"}, "Choose a day after the first one"),
        ({"until_day": "2026-12-04", "until_time": "17:00"}, "It would end before it begins"),
        ({"from_day": "2028-06-01", "until_day": "2028-06-02"}, "Only the next 400 days are looked at"),
        ({"zone": "Berlin"}, "This is no time zone"),
        ({"repeats": "weekdays"}, "Choose at least one weekday"),
        ({"repeats": "calendar"}, "Choose a calendar"),
        ({"from_day": "9999-12-31", "until_day": "9999-12-31"}, "This day is out of reach"),
        ({"repeats": "weekdays", "weekdays": ["3"], "last_day": "9999-12-31"}, "This day is out of reach"),
        ({"from_day": "2026-01-01", "until_day": "2026-01-02"}, "All of it is in the past"),
    ],
)
def test_what_cannot_be_is_said_and_what_was_typed_is_kept(plan_it, facts, words):
    response = plan_it(**facts)
    assert response.status_code == 422
    page = text_of(response)
    assert words in page
    assert "Everybody is in Munich" in page
    assert not Absence.objects.exists()


def test_changing_a_field_that_an_absence_holds_asks_how_long(plan_it, number, ops, clock, synced):
    plan_it()
    clock.move_to("2026-12-04T18:00:30+01:00")
    absence_clock.tick()
    # It is held from the moment that Close has it, whenever the clock looks next.
    running.run_due()
    synced.journal.clear()
    client, url = signed_in(ops), f"/numbers/{number.close_id}/edit/forwarding/"
    facts = {"was_forward_to": "+4917604069180", "forward_to": "+4917604069181", "intent": str(uuid4())}
    htmx = {"HX-Request": "true"}
    asked = client.post(url, facts, headers=htmx)
    assert asked.status_code == 422
    assert "“Trade fair” holds this until 7 Dec 2026" in text_of(asked)
    assert synced.puts() == []

    assert "Until Monday 8:00" in text_of(asked)
    page = html_of(client.get(f"/numbers/{number.close_id}/"))
    assert re.search(r'Forwarding until Monday 8:00, <a [^>]*href="/absences/\d+/">Trade fair</a>', page)
    assert "ends, and this goes back:" in page
    assert "until Monday 8:00</a>" in html_of(client.get("/numbers/"))

    saved = client.post(url, facts | {"hold": "until", "intent": str(uuid4())}, headers=htmx)
    assert saved.status_code == 200
    assert synced.puts() == [(number.close_id, {"forward_to": "+4917604069181"})]
    clock.move_to("2026-12-07T09:00:30+01:00")
    absence_clock.tick()
    running.run_due()
    assert PhoneNumber.objects.get(pk=number.pk).forward_to == number.forward_to


@pytest.mark.parametrize(("hold", "back"), [("until", True), ("good", False)])
def test_a_plan_over_what_an_absence_holds_asks_how_long(plan_it, number, ops, clock, synced, hold, back):
    plan_it()
    at(clock, "2026-12-04T18:00:30+01:00")
    plan = draft(ops, [PhoneNumber.objects.get(pk=number.pk)], forward_to="+4917604069181")
    client, url = signed_in(ops), f"/plans/{plan.pk}/"
    page = text_of(client.get(url))
    assert "“Trade fair” holds this until Monday 8:00" in page
    facts = {"do": "approve", "digest": approving.digest(plan), "count": "1"}
    asked = client.post(url, facts)
    assert asked.status_code == 422
    assert "Choose how long it shall hold" in text_of(asked)
    assert client.post(url, facts | {"hold": hold}).status_code == 303
    running.run_due()
    assert PhoneNumber.objects.get(pk=number.pk).forward_to == "+4917604069181"
    at(clock, "2026-12-07T09:00:30+01:00")
    assert PhoneNumber.objects.get(pk=number.pk).forward_to == (number.forward_to if back else "+4917604069181")
    assert "Everything is as it was before." in Notice.objects.get(kind="absence").words


def test_the_list_asks_no_more_for_many_absences(plan_it, lead, lead_client, person_of):
    asked = []
    for first, last in ((0, 2), (2, 12)):
        for one in access.visible_numbers(person_of(lead)).order_by("pk")[first:last]:
            assert plan_it(numbers=[one], name=f"Fair {one.pk}").status_code == 303
        with CaptureQueriesContext(connection) as queries:
            assert f"Fair {one.pk}" in text_of(lead_client.get("/absences/"))
        asked.append(len(queries))
    assert asked[0] == asked[1] < 20


def test_its_name_is_one_line(plan_it):
    assert plan_it(name="Trade\nfair").status_code == 303
    assert Absence.objects.get().name == "Trade fair"


def test_a_form_that_is_sent_twice_makes_one_absence(plan_it):
    intent = str(uuid4())
    assert plan_it(intent=intent)["Location"] == plan_it(intent=intent)["Location"]
    assert Absence.objects.count() == 1


def test_an_overlap_is_a_conflict(plan_it):
    plan_it()
    response = plan_it(name="Another")
    assert response.status_code == 409
    assert "“Trade fair” of Marta Klein sets the same on 04 Dec 2026" in text_of(response)


def test_many_numbers_have_to_be_counted(clock, synced, plan_it):
    numbers = PhoneNumber.objects.filter(type="internal")[:30]
    facts = {"forwarding": "", "press_1": "on"}
    response = plan_it(numbers=numbers, **facts)
    assert response.status_code == 422
    assert "Type 30 to confirm that 30 numbers change." in text_of(response)
    assert plan_it(numbers=numbers, typed="30", **facts).status_code == 303


def test_what_the_clocks_make_of_a_time_is_resolved_on_the_form(plan_it, ops_client):
    skipped = plan_it(from_day="2027-03-28", from_time="02:30", until_day="2027-03-28", until_time="09:00")
    assert skipped.status_code == 422
    assert "The clock skips 02:30 on that day. Choose 03:30 or another time." in text_of(skipped)

    twice = {"from_day": "2027-10-31", "from_time": "02:15", "until_day": "2027-10-31", "until_time": "02:45"}
    asked = plan_it(**twice)
    assert asked.status_code == 422
    page = text_of(asked)
    assert "The clock shows 02:15 twice on that day. Choose which." in page
    assert "02:45 CEST, before the clock goes back" in page
    assert plan_it(**twice, from_fold="1", until_fold="1").status_code == 303
    occurrence = Occurrence.objects.get()
    assert (occurrence.starts_at.hour, occurrence.ends_at.hour) == (1, 1)


def test_where_it_repeats_a_rule_decides_and_is_said(plan_it, ops_client):
    facts = {"from_day": "2027-03-21", "from_time": "02:30", "until_day": "2027-03-21", "repeats": "weekdays"}
    response = plan_it(**facts, weekdays=["6"])
    page = text_of(ops_client.get(response["Location"]))
    assert "02:30 does not exist on 28 Mar 2027: the clocks go forward. It is 03:30 then." in page


def test_a_lead_sees_their_own_and_stops_no_others(plan_it, number, ops_client, lead_client):
    foreign = Group.objects.create(close_id="group_foreign", name="Zebra")
    stranger = signed_in(make_user("Zoe Zander", role=Role.TEAM_LEAD, teams=[foreign]))
    location = plan_it()["Location"]
    assert stranger.get(location).status_code == 404
    assert stranger.post(f"{location}stop/").status_code == 404
    assert "Trade fair" not in text_of(stranger.get("/absences/"))
    assert Absence.objects.get().stopped_at is None


def test_a_lead_reads_nothing_of_numbers_and_plans_of_others(plan_it, lead, ops, lead_client, clock, synced):
    mine, foreign = in_and_out_of_scope(lead)
    location = plan_it(numbers=(foreign, mine))["Location"]
    plan = draft(ops, [mine], forward_to="+4917600000000", forward_to_enabled=True)
    Plan.objects.filter(pk=plan.pk).update(name="Secret reorganisation")
    approve(plan, ops, run_at=timezone.now() + timedelta(days=5))
    at(clock, "2026-12-04T18:00:30+01:00")
    Holding.objects.filter(number=foreign).update(state=Holding.State.LEFT)

    lead_client = signed_in(lead)
    page = text_of(lead_client.get("/absences/"))
    assert "Trade fair" in page
    assert phone(mine.number) in page
    assert phone(foreign.number) not in page
    assert "other" not in page.partition("All absences")[2].partition("What will ring")[0]
    page = lead_client.get(location)
    assert phone(foreign.number) not in text_of(page)
    # A link that leads them nowhere is not shown either.
    assert "/plans/" not in html_of(page).partition("Each time")[2]
    then = {"number": mine.number, "day": "2026-12-20", "time": "10:00"}
    page = text_of(lead_client.get("/absences/", then))
    assert "Because of a scheduled plan." in page
    assert "Secret reorganisation" not in page
    assert "Because of “Secret reorganisation”." in text_of(signed_in(ops).get("/absences/", then))


def test_what_will_ring(plan_it, number, ops_client):
    plan_it()
    then = {"number": number.close_id, "day": "2026-12-05", "time": "10:00"}
    page = text_of(ops_client.get("/absences/", then))
    assert "Because of “Trade fair”" in page
    assert "+49 176 04069180" in page
    later = text_of(ops_client.get("/absences/", then | {"day": "2026-12-24"}))
    assert "Because of" not in later
    for far, words in (("2029-01-01", "Only the next 400 days are looked at"), ("9999-12-31", "out of reach")):
        assert words in text_of(ops_client.get("/absences/", then | {"day": far}))
    nothing = text_of(ops_client.get("/absences/", then | {"number": "no such number"}))
    assert "No number of yours matches this" in nothing


@pytest.mark.parametrize(
    "query", ["week=nonsense", "week=9999-12-31", "week=0001-01-01", "show=x&page=99", "number="]
)
def test_odd_addresses_show_the_page(number, ops_client, query):
    assert ops_client.get(f"/absences/?{query}").status_code == 200


def test_a_week_shows_what_is_due_in_it(plan_it, ops_client):
    plan_it(repeats="weekdays", weekdays=["4"])
    page = text_of(ops_client.get("/absences/?week=2026-12-21"))
    assert "Trade fair, Fri 25 Dec 17:00 to Mon 28 Dec 08:00" in page
    assert (timezone.now() + timedelta(days=30)).year == 2027
