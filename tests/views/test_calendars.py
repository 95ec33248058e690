"""Calendars of holidays and own days on the site: added, and changed or deleted while absences are on their days."""

from dashboard.models import Absence, Calendar, Occurrence

from ..conftest import signed_in
from ..reading import text_of
from .planned_absence import clock, number, plan_it

__all__ = ["clock", "number", "plan_it"]


def test_a_calendar_is_added_and_says_what_it_lacks(clock, synced, ops_client):
    facts = {"name": "Berlin", "country": "de", "region": "BE", "own_days": "2026-12-24 Christmas Eve"}
    assert ops_client.post("/absences/calendars/new/", facts).status_code == 303
    assert Calendar.objects.get().own_days == {"2026-12-24": "Christmas Eve"}
    ops_client.post("/absences/calendars/new/", {"name": "Own", "own_days": "2026-12-24"})
    page = text_of(ops_client.get("/absences/"))
    assert "24 Dec, Christmas Eve" in page
    assert "It has no days for 2027 yet" in page
    for wrong, words in [
        (facts, "There is a calendar of this name already"),
        ({"name": "x", "country": "XX"}, "The holidays of XX are not known"),
        ({"name": "x", "country": "DE", "region": "ZZ"}, "Choose one of BB, BE"),
        ({"name": "x", "own_days": "Christmas"}, "Line 1: “Christmas” is no day"),
        ({"name": "x", "own_days": f"2026-12-24 {'x' * 20_000}"}, "20,000 characters are the most"),
        ({"name": "x"}, "Choose a country, or write down own days"),
    ]:
        response = ops_client.post("/absences/calendars/new/", wrong)
        assert response.status_code == 422
        assert words in text_of(response)


def test_a_calendar_in_use_says_by_whom_and_what_a_change_would_do(plan_it, number, ops_client, lead, clock, synced):
    own = Calendar.objects.create(name="Own", own_days={"2026-12-24": "Christmas Eve"})
    url = f"/absences/calendars/{own.pk}/"
    assert (
        plan_it(repeats="calendar", calendar=f"{own.pk}", until_day="2026-12-04", until_time="20:00").status_code
        == 303
    )
    page = ops_client.get(url)
    assert "Trade fair" in text_of(page)
    refused = ops_client.post(f"{url}delete/")
    assert refused.status_code == 409
    assert "“Trade fair” is on its days. Stop it or choose other days for it first." in text_of(refused)
    assert "Ask an ops admin to change it" in text_of(signed_in(lead).get(url))

    facts = {"name": "Own", "own_days": "2026-12-31 New Year’s Eve", "was": page.context["was"]}
    asked = ops_client.post(url, facts)
    assert asked.status_code == 422
    assert "“Trade fair” would follow." in text_of(asked)
    assert "Also on: 2026-12-31 New Year’s Eve. No longer on: 2026-12-24 Christmas Eve." in text_of(asked)
    assert ops_client.post(url, facts | {"seen": asked.context["effect"].key}).status_code == 303
    assert f"{Occurrence.objects.get().day}" == "2026-12-31"
    assert ops_client.post(url, facts).status_code == 409

    ops_client.post(f"/absences/{Absence.objects.get().pk}/stop/")
    assert ops_client.post(f"{url}delete/").status_code == 303
    assert not Calendar.objects.exists()
