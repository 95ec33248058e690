"""Two-step codes: set up once by whoever can do most, asked for ever after, and a way back for a lost phone."""

import re
import time
from io import StringIO

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from cryptography.fernet import Fernet
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client

from dashboard.models import Event, Kind

from ..conftest import PASSWORD, make_user
from ..views.story import words

pytestmark = pytest.mark.django_db
LOGIN, CODE, SET_UP, KEEP = (
    "/accounts/login/",
    "/accounts/code/",
    "/accounts/code/set-up/",
    "/accounts/code/recovery/",
)


@pytest.fixture(autouse=True)
def _asked_for(settings):
    cache.clear()
    settings.LOCAL_TWO_STEP = "on"


def code_of(secret, *, later=0):
    """What the app on the phone shows, `later` half minutes from now."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + later))


def password_typed(user, **fields):
    client = Client()
    answer = client.post(LOGIN, {"login": user.username, "password": PASSWORD, **fields})
    return client, answer


def is_in(client):
    return "_auth_user_id" in client.session


@pytest.fixture
def phone(ops):
    """An ops admin has set codes up; the key in the phone, and the recovery codes."""
    client, answer = password_typed(ops, next="/changes/")
    assert answer["Location"] == SET_UP
    page = client.get(SET_UP).content.decode()
    assert 'src="data:image/svg+xml;base64,' in page
    secret = re.search(r'id="secret">([A-Z2-7]+)<', page).group(1)
    assert client.get("/numbers/").status_code == 302
    assert not is_in(client)

    assert client.post(SET_UP, {"code": "000000"}).status_code == 422
    assert not is_in(client)
    answer = client.post(SET_UP, {"code": code_of(secret)})
    assert (answer.status_code, answer["Location"]) == (303, KEEP)
    recovery = re.findall(r"<li>(\d{8})</li>", client.get(KEEP).content.decode())
    assert len(recovery) == 10
    answer = client.post(KEEP)
    assert (answer.status_code, answer["Location"]) == (303, "/changes/")
    assert is_in(client)
    return secret, recovery


def test_setting_up_is_a_step_of_the_first_sign_in(ops, phone):
    entries = Event.objects.order_by("position").values_list("kind", "who", "way", "words")
    assert list(entries) == [
        ("signed_in", "Marta Klein", "password and code", ""),
        ("two_step", "Marta Klein", "password and code", "Set up."),
    ]


def test_then_the_password_alone_lets_nobody_in(ops, phone):
    client, answer = password_typed(ops, next="/changes/")
    assert answer["Location"] == CODE
    assert client.get("/numbers/").status_code == 302
    assert client.get(SET_UP)["Location"] == LOGIN
    wrong = client.post(CODE, {"code": "123456"})
    assert wrong.status_code == 422
    assert "This code is not right" in words(wrong)
    assert not is_in(client)
    before = client.session.session_key
    answer = client.post(CODE, {"code": code_of(phone[0], later=1)})
    assert answer["Location"] == "/changes/"
    assert is_in(client)
    assert client.session.session_key != before
    refused = Event.objects.get(kind=Kind.REFUSED)
    assert (refused.about, refused.words) == ("Marta Klein", "Wrong code.")


def test_a_code_lets_in_once(ops, phone):
    code = code_of(phone[0], later=1)
    first, _ = password_typed(ops)
    first.post(CODE, {"code": code})
    second, _ = password_typed(ops)
    assert second.post(CODE, {"code": code}).status_code == 422
    assert (is_in(first), is_in(second)) == (True, False)


def test_codes_cannot_be_guessed(ops, phone):
    client, _ = password_typed(ops)
    for guess in range(6):
        answer = client.post(CODE, {"code": f"{guess:06}"})
    assert "Too many" in words(answer)
    assert client.post(CODE, {"code": code_of(phone[0], later=1)}).status_code == 422
    assert not is_in(client)


def test_a_recovery_code_lets_in_once(ops, phone):
    client, _ = password_typed(ops)
    client.post(CODE, {"code": phone[1][3]})
    assert is_in(client)
    assert "9 recovery codes are left." in words(client.get("/settings/"))
    again, _ = password_typed(ops)
    assert again.post(CODE, {"code": phone[1][3]}).status_code == 422


def test_nobody_sees_the_recovery_codes_again_and_new_ones_cost_a_code(ops, phone):
    client, _ = password_typed(ops)
    client.post(CODE, {"code": phone[1][0]})
    assert client.get(KEEP)["Location"] == "/settings/"
    assert "This code is not right" in words(client.post(CODE + "renew/", {"code": "000000"}, follow=True))
    answer = client.post(CODE + "renew/", {"code": code_of(phone[0], later=1), "do": "codes"})
    assert answer["Location"] == KEEP
    new = re.findall(r"<li>(\d{8})</li>", client.get(KEEP).content.decode())
    assert len(set(new) - set(phone[1])) == 10


def test_another_phone_begins_with_a_code_and_ends_in_setting_up_anew(ops, phone):
    client, _ = password_typed(ops)
    client.post(CODE, {"code": phone[1][0]})
    client.post(CODE + "renew/", {"code": phone[1][1], "do": "phone"})
    assert not is_in(client)
    _, answer = password_typed(ops)
    assert answer["Location"] == SET_UP


def test_another_ops_admin_takes_the_codes_of_a_lost_phone_away(ops, phone):
    theirs, _ = password_typed(ops)
    theirs.post(CODE, {"code": phone[1][0]})
    boss = make_user("Ada Boss", is_superuser=True)
    client = Client()
    client.force_login(boss)
    editor = client.get(f"/people/{ops.pk}/edit/", headers={"HX-Request": "true"}).content.decode()
    assert "Take codes away" in editor
    answer = client.post(f"/people/{ops.pk}/codes/", follow=True)
    assert "Marta Klein is signed out, and sets up new codes at the next sign-in." in words(answer)
    assert not is_in(theirs)
    assert password_typed(ops)[1]["Location"] == SET_UP
    assert "Another ops admin takes your codes away." in words(client.post(f"/people/{boss.pk}/codes/", follow=True))


def test_only_ops_admins_are_asked_and_only_where_it_is_on(ops, lead, settings):
    assert is_in(password_typed(lead)[0])
    assert not is_in(password_typed(ops)[0])
    settings.LOCAL_TWO_STEP = "off"
    assert is_in(password_typed(ops)[0])


def test_who_has_codes_is_asked_for_them_even_where_it_is_off(ops, phone, settings):
    settings.LOCAL_TWO_STEP = "off"
    client, answer = password_typed(ops)
    assert answer["Location"] == CODE
    assert not is_in(client)


def test_a_sign_in_that_was_begun_does_not_wait_for_ever(ops, phone):
    client, _ = password_typed(ops)
    with time_machine.travel(time.time() + 16 * 60):
        assert client.post(CODE, {"code": code_of(phone[0])})["Location"] == LOGIN
    assert not is_in(client)


def test_the_key_is_stored_encrypted_and_moves_to_a_new_key(ops, phone, settings):
    secret, recovery = phone
    assert secret not in str(list(Authenticator.objects.values_list("data", flat=True)))
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    call_command("rotate_keys", stdout=StringIO())
    settings.SECRET_KEY = "another one, as after a leak"
    client, _ = password_typed(ops)
    client.post(CODE, {"code": code_of(secret, later=1)})
    assert is_in(client)
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    client, _ = password_typed(ops)
    assert "Codes cannot be checked now." in words(client.post(CODE, {"code": recovery[0]}))
    assert not is_in(client)
