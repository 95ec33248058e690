"""Headers without a signature: believed from the proxy's own addresses, and from nowhere else."""

import pytest
from django.contrib.auth import get_user_model

from ..reading import who

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def plain(settings):
    settings.SSO_ROLE_MAP = {"sales-ops": "ops_admin"}
    settings.PROXY_AUTH = "header"
    settings.PROXY_HEADER = ["X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups"]
    settings.TRUSTED_PROXY_CIDRS = ["10.0.3.0/28", "2001:db8::/64"]


def get(client, user="ana", email="ana@example.com", groups="sales-ops|other", **more):
    given = {"X-Forwarded-User": user, "X-Forwarded-Email": email, "X-Forwarded-Groups": groups}
    more = {"REMOTE_ADDR": "10.0.3.4"} | more
    return client.get("/settings/", headers={name: value for name, value in given.items() if value}, **more)


@pytest.mark.parametrize("address", ["10.0.3.4", "2001:db8::7"])
def test_from_the_proxy_they_are_believed(client, address):
    assert get(client, REMOTE_ADDR=address).status_code == 200
    assert (who(client).role, who(client).user.email) == ("ops_admin", "ana@example.com")


@pytest.mark.parametrize("address", ["10.0.3.16", "127.0.0.1", "2001:db8:1::7"])
def test_from_elsewhere_they_are_refused_loudly(client, caplog, address):
    answer = get(client, REMOTE_ADDR=address, HTTP_X_FORWARDED_FOR="10.0.3.4")
    assert answer.status_code == 400
    assert f"proxy sign-in refused: a header of the proxy came from elsewhere, from {address}" in caplog.text
    assert who(client) is None
    nothing = get(client, user="", email="", groups="", REMOTE_ADDR=address)
    assert nothing.status_code == 401


def test_without_an_address_nobody_is_believed(client):
    assert get(client, REMOTE_ADDR="").status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"user": "ana,marta"},
        {"user": "ana\tx"},
        {"email": "a@b.example,m@b.example"},
        {"user": ""},
        {"user": "x" * 200},
    ],
)
def test_doubled_or_strange_values_are_refused(client, wrong):
    assert get(client, **wrong).status_code == 401
    assert not get_user_model().objects.exists()


def test_groups_that_somebody_joined_give_nothing(client):
    assert get(client, groups="other,sales-ops").status_code == 403
    assert who(client).role is None
