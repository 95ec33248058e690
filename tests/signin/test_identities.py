"""The same roles, whoever says who somebody is: OpenID Connect, SAML, a proxy, or a password.

All addresses for all roles are walked in tests/test_every_url.py, with people who are signed in already. By what way
they came is decided before any of that: so here a table of one address of each rule, of things in and out of one's
teams, and of what is changed, is enough for each way.
"""

import re
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from dashboard import access
from dashboard.models import Group, PhoneNumber, Role

from ..conftest import PASSWORD, make_user
from . import saml_idp
from .issuer import CLIENT_ID, CLIENT_SECRET

HEADER = "X-Test-Assertion"
# Which group the company puts them into; nobody is in one that gives nothing.
GROUPS = {"ops": "sales-ops", "lead": "leads", "viewer": "everyone-sales", "nobody": "marketing"}


@pytest.fixture
def team(synced):
    return Group.objects.order_by("name")[0]


@pytest.fixture
def roles_of_groups(settings, team):
    settings.SSO_ROLE_MAP = {
        "sales-ops": "ops_admin",
        "leads": f"team_lead:{team.name}",
        "everyone-sales": "viewer:*",
    }


def claims_of(role):
    return {"email": f"{role}@example.com", "groups": [GROUPS[role]]}


@pytest.fixture
def by_oidc(issuer, key, settings, roles_of_groups):
    """Sign somebody of this role in; their browser."""
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = issuer.url, CLIENT_ID, CLIENT_SECRET

    def sign_in(role):
        client = Client()
        issuer.token = key.sign(issuer.claims(sub=f"subject-{role}", **claims_of(role)))
        asked = parse_qs(urlsplit(client.post("/accounts/oidc/login/")["Location"]).query)
        client.get("/accounts/oidc/callback/", {"code": "a-code", "state": asked["state"][0]})
        return client

    return sign_in


@pytest.fixture
def by_saml(key, settings, tmp_path, roles_of_groups):
    idp = saml_idp.IdentityProvider(key.private)
    (tmp_path / "metadata.xml").write_bytes(idp.metadata())
    settings.SAML_METADATA = str(tmp_path / "metadata.xml")

    def sign_in(role):
        client = Client()
        begun = client.post("/accounts/saml/login/").content.decode()
        question = saml_idp.question_in(re.search(r'href="(https://login[^"]+)"', begun).group(1)).get("ID")
        answer = saml_idp.packed(idp.answer(question, name_id=f"name-{role}", **claims_of(role)))
        client.get(Client().post("/accounts/saml/answer/", {"SAMLResponse": answer})["Location"])
        return client

    return sign_in


@pytest.fixture
def by_proxy(issuer, key, settings, roles_of_groups):
    settings.PROXY_AUTH, settings.PROXY_HEADER, settings.PROXY_ALGORITHM = "jwt", [HEADER], "RS256"
    settings.PROXY_ISSUER, settings.PROXY_AUDIENCE = issuer.url, CLIENT_ID
    settings.PROXY_JWKS_URL = f"{issuer.url}/keys"

    def sign_in(role):
        return Client(headers={HEADER: key.sign(issuer.claims(sub=f"subject-{role}", **claims_of(role)))})

    return sign_in


@pytest.fixture
def by_password(team):
    given = {
        "ops": {"role": Role.OPS_ADMIN},
        "lead": {"role": Role.TEAM_LEAD, "teams": [team]},
        "viewer": {"role": Role.VIEWER, "all_numbers": True},
        "nobody": {},
    }

    def sign_in(role):
        make_user(f"{role.title()} Somebody", **given[role])
        client = Client()
        client.post("/accounts/login/", {"login": role, "password": PASSWORD})
        return client

    return sign_in


@pytest.mark.parametrize("way", ["by_oidc", "by_saml", "by_proxy", "by_password"])
def test_a_role_opens_the_same_whoever_gives_it(request, team, way, synced):
    sign_in = request.getfixturevalue(way)
    lead = sign_in("lead")
    lead.get("/numbers/")
    of_lead = access.person(get_user_model().objects.get(email="lead@example.com"))
    own = access.changeable_numbers(of_lead)[0]
    foreign = PhoneNumber.objects.exclude(pk__in=access.visible_numbers(of_lead))[0]
    # What each of them is answered: nobody, viewer, lead, ops.
    table = {
        "/settings/": (403, 200, 200, 200),
        "/numbers/": (403, 200, 200, 200),
        f"/numbers/{own.close_id}/": (403, 200, 200, 200),
        f"/numbers/{foreign.close_id}/": (403, 200, 404, 200),
        f"/numbers/{own.close_id}/edit/label/": (403, 403, 200, 200),
        "/plans/": (403, 403, 200, 200),
        "/people/": (403, 403, 403, 200),
        "/connection/": (403, 403, 403, 200),
    }
    browsers = {"nobody": sign_in("nobody"), "viewer": sign_in("viewer"), "lead": lead, "ops": sign_in("ops")}
    found = {path: tuple(browser.get(path).status_code for browser in browsers.values()) for path in table}
    assert found == table
    for role, number, status in (("nobody", own, 403), ("viewer", own, 403), ("lead", foreign, 404)):
        form = {"label": "x", "was_label": number.label, "intent": uuid4()}
        assert browsers[role].post(f"/numbers/{number.close_id}/edit/label/", form).status_code == status
    assert synced.puts() == []
