"""Sessions: a new key at each sign-in, two limits, and ends that bite at once."""

from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from dashboard.models import Event, Group, Kind, Session
from dashboard.signin import roles
from dashboard.signin.sessions import browser_in_words

from ..conftest import PASSWORD, make_user, signed_in
from ..views.story import words

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:153.0) Gecko/20100101 Firefox/153.0"
LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def _nothing_tried_yet():
    cache.clear()


def enter(user, **headers):
    """A browser in which this person has typed the password."""
    client = Client(headers=headers)
    assert client.post(LOGIN, {"login": user.username, "password": PASSWORD}).status_code == 302
    return client


def is_in(client, **headers):
    return client.get("/settings/", headers=headers).status_code == 200


def in_(**distance):
    return time_machine.travel(timezone.now() + timedelta(**distance))


def test_a_password_gives_a_new_key(viewer):
    client = Client()
    client.get(LOGIN)
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies["sid"] = planted = session.session_key
    client.post(LOGIN, {"login": "lena", "password": PASSWORD})
    assert is_in(client)
    assert client.session.session_key != planted
    assert not Session.objects.filter(pk=planted).exists()


def test_a_session_ends_so_long_after_its_own_sign_in(viewer, settings):
    first = enter(viewer)
    with in_(hours=7):
        # Django would let it last eight hours from the last message that it carried.
        first.post("/settings/sessions/")
        second = enter(viewer)
        assert is_in(first)
    with in_(hours=8, minutes=1):
        # It was busy until now, and the person has signed in elsewhere since: neither counts.
        assert not is_in(first)
        assert is_in(second)
        settings.SESSION_HOURS = 1
        assert not is_in(second)
    ended = Event.objects.filter(kind=Kind.ENDED).order_by("position")
    assert [(entry.who, entry.way, entry.words) for entry in ended] == [
        ("Lena Fischer", "password", "Signed in over 8 h ago."),
        ("Lena Fischer", "password", "Signed in over 1 h ago."),
    ]


def test_an_idle_ops_admin_is_signed_out_and_nobody_else(ops, viewer, settings):
    admin, other = enter(ops), enter(viewer)
    with in_(minutes=59):
        assert is_in(admin)
    with in_(minutes=118):
        assert is_in(admin)
    with in_(minutes=180):
        assert not is_in(admin)
        assert is_in(other)
    assert Event.objects.get(kind=Kind.ENDED).words == "Not used for 60 minutes."
    settings.SESSION_IDLE_MINUTES = 0
    admin = enter(ops)
    with in_(hours=7):
        assert is_in(admin)


def test_polling_is_no_use(ops):
    admin = enter(ops)
    for minutes in (20, 40, 59):
        with in_(minutes=minutes):
            assert is_in(admin, X_Background="1")
    with in_(minutes=61):
        assert admin.get("/refresh/", headers={"HX-Request": "true", "X-Background": "1"}).status_code == 401


def test_looking_writes_once_a_minute_at_most(viewer, django_assert_num_queries):
    client = enter(viewer)
    is_in(client)
    used_at = Session.objects.get(account=viewer).used_at
    with in_(seconds=30):
        is_in(client)
        assert Session.objects.get(account=viewer).used_at == used_at
    with in_(seconds=90):
        is_in(client)
        assert Session.objects.get(account=viewer).used_at > used_at


def test_one_sees_where_one_is_signed_in_and_ends_the_others(ops, viewer):
    here = enter(viewer)
    there = enter(viewer, User_Agent=FIREFOX)
    stranger = enter(ops)
    page = words(here.get("/settings/"))
    assert "A program (here) Signed in just now with password from 127.0.0.1" in page
    print(page)
    assert "Firefox on Windows Signed in just now with password from 127.0.0.1, last used just now" in page
    assert "A sign-in ends after 8 hours." in page
    answer = here.post("/settings/sessions/", follow=True)
    assert "You are signed out in one browser." in words(answer)
    assert "Firefox" not in words(answer)
    assert is_in(here)
    assert is_in(stranger)
    assert not is_in(there)


def test_an_ops_admin_ends_anybodys_sessions_at_once(ops, viewer):
    boss = make_user("Ada Boss", is_superuser=True)
    admin = enter(ops)
    for person in (viewer, boss):
        theirs = [enter(person), enter(person)]
        editor = admin.get(f"/people/{person.pk}/edit/", headers={"HX-Request": "true"}).content.decode()
        assert f'action="/people/{person.pk}/sessions/"' in editor
        answer = admin.post(f"/people/{person.pk}/sessions/", follow=True)
        assert "is signed out in 2 browsers." in words(answer)
        assert [is_in(client) for client in theirs] == [False, False]
    ended = Event.objects.filter(kind=Kind.ENDED).order_by("position")
    assert [(entry.who, entry.about, entry.words) for entry in ended] == [
        ("Marta Klein", "Lena Fischer", "2 sessions, by hand."),
        ("Marta Klein", "Ada Boss", "2 sessions, by hand."),
    ]


def test_who_is_deactivated_is_out_at_the_next_request_and_stays_out(ops, viewer):
    theirs = enter(viewer)
    enter(ops).post(f"/people/{viewer.pk}/active/", {"active": "false"})
    assert not is_in(theirs)
    assert not Session.objects.filter(account=viewer).exists()
    answer = Client().post(LOGIN, {"login": "lena", "password": PASSWORD})
    assert answer.status_code == 403
    refused = Event.objects.get(kind=Kind.REFUSED)
    assert (refused.who, refused.about, refused.words) == ("", "Lena Fischer", "The account is deactivated.")


def test_who_came_in_and_who_did_not_stands_in_the_history(viewer, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    client = Client(headers={"X-Forwarded-For": "198.51.100.7"})
    for password in ("wrong horse battery", "wrong horse battery", PASSWORD):
        client.post(LOGIN, {"login": "lena@example.com", "password": password})
    client.post("/accounts/logout/")
    entries = Event.objects.order_by("position").values_list("kind", "who", "about", "way", "address", "words")
    assert list(entries) == [
        # The same refusal again within a minute adds nothing.
        ("refused", "", "Lena Fischer", "password", "198.51.100.7", "Wrong password."),
        ("signed_in", "Lena Fischer", "", "password", "198.51.100.7", ""),
        ("signed_out", "Lena Fischer", "", "password", "198.51.100.7", ""),
    ]


def test_what_a_stranger_types_for_a_name_is_not_kept(viewer):
    Client().post(LOGIN, {"login": "my-password-by-mistake", "password": "x"})
    assert Event.objects.get().about == ""
    assert "by-mistake" not in Event.objects.get().line()


def test_a_role_from_the_company_account_stands_in_it_when_it_changes(nobody, settings):
    settings.SSO_ROLE_MAP = {"ops": "ops_admin", "leads": "team_lead:EMEA", "everyone": "viewer:*"}
    Group.objects.create(close_id="group_emea", name="EMEA")
    for groups in (["leads"], ["leads"], ["leads", "golf"], ["everyone"], []):
        roles.settle(nobody, groups)
    entries = Event.objects.order_by("position").values_list("kind", "who", "about", "words")
    assert list(entries) == [
        ("role_given", "", "Jonas Weber", "Team lead for EMEA, from the groups of the company account."),
        ("role_given", "", "Jonas Weber", "Viewer for all numbers, from the groups of the company account."),
        ("role_taken", "", "Jonas Weber", "No group of the company account gives one any more."),
    ]


def test_exports_and_the_switch_stand_in_it_too(ops, lead):
    signed_in(lead).get("/numbers/export.csv?forwarding=on")
    admin = signed_in(ops)
    admin.post("/settings/writes/", {"writes": "stop"})
    admin.post("/settings/writes/", {"writes": "start"})
    entries = Event.objects.order_by("position").values_list("kind", "who", "about", "words")
    assert list(entries) == [
        ("exported", "Tom Berger", f"numbers-{timezone.localdate()}.csv", "forwarding=on"),
        ("writes_stopped", "Marta Klein", "", ""),
        ("writes_allowed", "Marta Klein", "", ""),
    ]


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605 Version/26.2 Safari/605", "Safari on Mac"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537 Chrome/156.0 Safari/537", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/156.0 Safari/537 Edg/156.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 26 like Mac OS X) CriOS/156 Mobile Safari/604", "Chrome on iPhone"),
        ("curl/8.1", "A program"),
        ("", "A program"),
    ],
)
def test_a_browser_in_words(agent, name):
    assert browser_in_words(agent) == name
