"""The page Sign-ins and access: what ops admins read there, narrowed by person and by kind."""

import pytest
from django.utils import timezone

from dashboard.models import Event, Kind

from .story import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def happened():
    """Three things of two people, and a refusal of nobody known."""
    at = timezone.now()
    for kind, facts in (
        (Kind.SIGNED_IN, {"who": "Tom Berger", "way": "password", "address": "192.0.2.7"}),
        (Kind.EXPORTED, {"who": "Tom Berger", "about": "Numbers", "words": "team=group_emea"}),
        (Kind.ROLE_GIVEN, {"who": "Marta Klein", "about": "Tom Berger", "words": "Team lead for EMEA."}),
        (Kind.REFUSED, {"way": "the Acme account", "address": "198.51.100.9", "words": "Not accepted: too old."}),
    ):
        Event.objects.append([Event(kind=kind, at=at, **facts)])


def rows(answer):
    return [words(part.split("</tr>")[0]) for part in answer.content.decode().split('<tr role="row" id="event-')[1:]]


def test_everything_stands_there_newest_first(ops_client, happened):
    answer = ops_client.get("/events/")
    assert "4 entries, newest first" in words(answer)
    assert [row.split(">", 1)[-1].rsplit("Today", 1)[0].strip() for row in rows(answer)] == [
        "Nobody known the Acme account Refused Not accepted: too old. From 198.51.100.9",
        "MK Marta Klein Role given Team lead for EMEA. About Tom Berger",
        "TB Tom Berger Exported team=group_emea About Numbers",
        "TB Tom Berger password Signed in From 192.0.2.7",
    ]
    assert 'href="/events/"' in ops_client.get("/people/").content.decode()


def test_it_is_narrowed_by_person_and_kind(ops_client, happened):
    assert len(rows(ops_client.get("/events/?person=Tom+Berger"))) == 3
    assert len(rows(ops_client.get("/events/?person=Tom+Berger&kind=exported"))) == 1
    assert "Nothing matches" in words(ops_client.get("/events/?person=Tom+Berger&kind=refused"))


def test_what_makes_no_sense_is_said(ops_client, happened):
    answer = ops_client.get("/events/?kind=nonsense&colour=red&page=zero&person=%00")
    assert "The filter kind does not know “nonsense”" in words(answer)
    assert "“colour” is no filter of this page" in words(answer)
    assert len(rows(answer)) == 4


def test_there_are_pages(ops_client, happened):
    at = timezone.now()
    Event.objects.append([Event(kind=Kind.SIGNED_IN, at=at, who="Ana Ruiz") for _ in range(60)])
    first = ops_client.get("/events/?kind=signed_in")
    assert "1–50 of 61" in words(first)
    assert "?kind=signed_in&amp;page=2" in first.content.decode()
    assert len(rows(ops_client.get("/events/?kind=signed_in&page=2"))) == 11


def test_it_is_for_ops_admins(lead_client):
    assert lead_client.get("/events/").status_code == 403
