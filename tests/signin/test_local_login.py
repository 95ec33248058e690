"""LOCAL_LOGIN: who may still sign in with a password, beside the company account."""

import pytest
from django.core.cache import cache

from ..conftest import PASSWORD, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def company(settings):
    settings.OIDC_ISSUER, settings.OIDC_NAME = "https://login.example.com", "the Acme account"


@pytest.fixture(autouse=True)
def people():
    cache.clear()
    make_user("Lena Fischer")
    make_user("Ada Boss", is_superuser=True)


@pytest.mark.parametrize(
    ("mode", "lena", "ada"), [("on", True, True), ("superusers", False, True), ("off", False, False)]
)
def test_who_may_sign_in_with_one(client, settings, mode, lena, ada):
    settings.LOCAL_LOGIN = mode
    for name, may in (("lena", lena), ("ada", ada)):
        client.logout()
        client.post("/accounts/login/", {"login": name, "password": PASSWORD})
        assert ("_auth_user_id" in client.session) == may


def test_where_nobody_may_the_page_has_no_form_for_it(client, settings):
    assert 'name="password"' in client.get("/accounts/login/").content.decode()
    settings.LOCAL_LOGIN = "off"
    page = client.get("/accounts/login/")
    assert 'name="password"' not in page.content.decode()
    assert "Continue with the Acme account" in page.content.decode()
