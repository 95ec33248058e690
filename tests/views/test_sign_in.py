"""The sign-in page: what a stranger reads, and what is said of a wrong or an often tried password."""

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"
PASSWORD = "correct horse battery"


@pytest.fixture
def marta():
    cache.clear()
    return get_user_model().objects.create_user("marta", "marta@example.com", PASSWORD)


def test_page_asks_for_login_and_password_and_offers_nothing_that_does_not_work(client):
    page = client.get(LOGIN).content.decode()
    assert 'name="login"' in page
    assert 'name="password"' in page
    assert "signup" not in page
    assert "password/reset" not in page


@pytest.mark.parametrize("login", ["marta", "marta@example.com"])
def test_name_or_address_and_password_sign_in_and_lead_to_where_one_wanted(client, marta, login):
    page = client.get(LOGIN + "?next=/changes/").content.decode()
    assert '<input type="hidden" name="next" value="/changes/"' in page
    answer = client.post(LOGIN, {"login": login, "password": PASSWORD, "next": "/changes/"})
    assert answer.status_code == 302
    assert answer["Location"] == "/changes/"


def test_wrong_password_keeps_the_name_and_not_the_password(client, marta):
    page = client.post(LOGIN, {"login": "marta", "password": "wrong-horse"}).content.decode()
    assert 'role="alert"' in page
    assert "not correct" in page
    assert 'value="marta"' in page
    assert "wrong-horse" not in page


def test_empty_fields_are_named(client):
    page = client.post(LOGIN, {"login": "", "password": ""}).content.decode()
    assert "Type your e-mail address or user name." in page
    assert "Type your password." in page


def test_a_password_tried_too_often_is_said_so_and_not_taken_even_when_right(client, marta):
    for _ in range(5):
        client.post(LOGIN, {"login": "marta", "password": "wrong-horse"})
    page = client.post(LOGIN, {"login": "marta", "password": PASSWORD}).content.decode()
    assert "Too many" in page
    assert "_auth_user_id" not in client.session


def test_signing_out_asks_first_and_takes_a_post(client, marta):
    client.force_login(marta)
    assert "Sign out?" in client.get("/accounts/logout/").content.decode()
    assert "_auth_user_id" in client.session
    client.post("/accounts/logout/")
    assert "_auth_user_id" not in client.session
