"""Signing in with the company account by SAML: who gets in, and with which role."""

import re

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model
from django.test import Client
from lxml import etree

from dashboard.models import Event, Kind

from ..conftest import make_user
from ..reading import text_of, who
from . import saml_idp
from .saml_company import ANSWER, FINISH, START, begin, bring, company, idp, metadata, refused, sign_in
from .saml_idp import HERE, NAMES, SIGN_IN, packed

__all__ = ["company", "idp", "metadata", "sign_in"]

pytestmark = pytest.mark.django_db


def test_the_page_has_one_button_and_it_leads_to_the_provider(client):
    page = client.get("/accounts/login/?next=/changes/").content.decode()
    assert "Continue with the Acme account" in page
    assert page.count("btn-primary") == 1
    begun = client.post(START).content.decode()
    address = re.search(r'content="0;url=([^"]+)"', begun).group(1).replace("&amp;", "&")
    assert address.startswith(f"{SIGN_IN}?SAMLRequest=")
    asked = saml_idp.question_in(address)
    assert asked.get("AssertionConsumerServiceURL") == f"{HERE}/answer/"
    assert asked.find("saml:Issuer", NAMES).text == f"{HERE}/metadata/"
    assert asked.find("samlp:NameIDPolicy", NAMES).get("Format") == saml_idp.PERSISTENT


def test_without_metadata_there_is_nothing_of_it(client, settings):
    settings.SAML_METADATA = ""
    assert "Continue with" not in text_of(client.get("/accounts/login/"))
    for answer in (
        client.post(START),
        client.post(ANSWER),
        client.get(FINISH),
        client.get("/accounts/saml/metadata/"),
    ):
        assert answer.status_code == 404


def test_our_own_metadata_say_what_the_provider_needs(client):
    answer = client.get("/accounts/saml/metadata/")
    told = etree.fromstring(answer.content)
    assert answer["Content-Type"] == "application/samlmetadata+xml"
    assert told.get("entityID") == f"{HERE}/metadata/"
    assert told[0].get("WantAssertionsSigned") == "true"
    assert told[0][1].get("Location") == f"{HERE}/answer/"


@pytest.mark.parametrize(
    ("groups", "role"),
    [(["x", "sales-ops"], "ops_admin"), (["leads"], "team_lead"), (["everyone-sales"], "viewer"), (["other"], None)],
)
def test_a_person_comes_in_with_the_role_of_their_groups(client, sign_in, groups, role):
    answer = sign_in(groups=groups)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    person = who(client)
    assert (person.role, person.name, person.user.email) == (role, "Ana Ruiz", "ana@example.com")
    assert not person.user.has_usable_password()
    signed_in = Event.objects.get(kind=Kind.SIGNED_IN)
    assert (signed_in.who, signed_in.way) == ("Ana Ruiz", "the Acme account")
    if role is None:
        assert "asked for groups and says other ;" in text_of(client.get("/numbers/"))


def test_the_same_name_is_the_same_person_and_the_role_follows(client, sign_in):
    sign_in(groups=["sales-ops"])
    first = who(client).user
    sign_in(groups=["leads"], email="ana.ruiz@example.com")
    assert (who(client).user, who(client).role) == (first, "team_lead")
    sign_in(groups=[])
    assert (who(client).user, who(client).role) == (first, None)
    assert client.get("/numbers/").status_code == 403


def test_the_session_has_a_new_key(client, idp):
    question = begin(client)
    before = client.session.session_key
    bring(client, idp.answer(question))
    assert before
    assert who(client)
    assert client.session.session_key != before


@pytest.mark.parametrize("where", ["https://evil.test/", "//evil.test/", "/\\evil.test", "javascript:alert(1)"])
def test_an_unknown_next_leads_home(sign_in, where):
    assert sign_in(next_url=where)["Location"] == "/"


def test_next_leads_where_one_wanted_and_the_relay_state_nowhere(client, idp, sign_in):
    assert sign_in(next_url="/changes/?source=close")["Location"] == "/changes/?source=close"
    answer = packed(idp.answer(begin(client)))
    came = Client().post(ANSWER, {"SAMLResponse": answer, "RelayState": "https://evil.test/"})
    assert client.get(came["Location"])["Location"] == "/"


def test_an_attribute_that_lasts_goes_before_the_name_and_what_may_change_is_none(client, idp, caplog):
    said = saml_idp.attributes({"http://schemas.microsoft.com/identity/claims/objectidentifier": ["an-object"]})
    bring(client, idp.answer(begin(client), attributes=said))
    assert SocialAccount.objects.get().uid == "an-object"
    get_user_model().objects.all().delete()
    client.logout()
    formats = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
    answer = bring(client, idp.answer(begin(client), name_id="ana@example.com", name_id_format=formats))
    refused(client, answer, "an assertion without a persistent name of the person", caplog)


def test_a_comment_does_not_cut_a_name(client, idp):
    """What is signed has no comments; a parser that stops at one reads another name."""
    answer = etree.tostring(idp.answer(begin(client), name_id="marta.evil"))
    assert bring(client, packed(answer.replace(b"marta.evil", b"marta<!-- -->.evil")))["Location"] == "/"
    assert SocialAccount.objects.get().uid == "marta.evil"


def test_an_account_with_the_same_address_is_left_as_it_is(client, sign_in):
    ana = make_user("Ana Ruiz", is_superuser=True)
    answer = sign_in()
    assert answer.status_code == 409
    assert "There is an account with your e-mail address here already" in text_of(answer)
    assert who(client) is None
    assert list(get_user_model().objects.all()) == [ana]


def test_who_is_deactivated_stays_out(client, sign_in):
    sign_in(groups=["sales-ops"])
    user = who(client).user
    user.is_active = False
    user.save()
    answer = sign_in(groups=["sales-ops"])
    assert answer.status_code == 403
    assert "Your account here was deactivated." in text_of(answer)
    assert client.get("/numbers/").status_code == 302
