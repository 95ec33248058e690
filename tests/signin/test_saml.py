"""Signing in with the company account by SAML: who gets in, with which role, and everything that does not."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import xmlsec
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from lxml import etree

from dashboard import access
from dashboard.logs import without_secrets
from dashboard.models import Event, Group, Kind

from ..conftest import make_user
from . import saml_idp
from .saml_idp import HERE, NAMES, SIGN_IN, IdentityProvider, assertion_of, audience, packed, signature_of

pytestmark = pytest.mark.django_db
START, ANSWER, FINISH = "/accounts/saml/login/", "/accounts/saml/answer/", "/accounts/saml/finish/"


@pytest.fixture(scope="session")
def idp(key):
    return IdentityProvider(key.private)


@pytest.fixture(scope="session")
def metadata(idp, tmp_path_factory):
    path = tmp_path_factory.mktemp("saml") / "metadata.xml"
    path.write_bytes(idp.metadata())
    return path


@pytest.fixture(autouse=True)
def company(metadata, settings):
    """A company with an account of its own and a map of roles."""
    settings.SAML_METADATA, settings.SAML_NAME = str(metadata), "the Acme account"
    settings.SSO_ROLE_MAP = {"sales-ops": "ops_admin", "leads": "team_lead:EMEA", "everyone-sales": "viewer:*"}
    Group.objects.create(close_id="group_emea", name="EMEA")


def begin(client, next_url=""):
    """Begin to sign in; the ID of the question that the browser takes to the provider."""
    begun = client.post(START, {"next": next_url})
    assert begun.status_code == 200, begun.content
    address = re.search(r'href="(https://login[^"]+)"', begun.content.decode()).group(1).replace("&amp;", "&")
    return saml_idp.question_in(address).get("ID")


def bring(client, answer):
    """Bring an answer as a browser does it: from another site, so without cookies; then go on with them."""
    came = Client().post(ANSWER, {"SAMLResponse": answer if isinstance(answer, str) else packed(answer)})
    return client.get(came["Location"]) if came.status_code == 302 else came


@pytest.fixture
def sign_in(idp, client):
    """Go through the whole of it with an answer that has these facts changed; returns the last page."""

    def through(*, next_url="", **changes):
        return bring(client, idp.answer(begin(client, next_url), **changes))

    return through


def who(client):
    """The person whom this browser is signed in as, or None."""
    key = client.session.get("_auth_user_id")
    return access.person(get_user_model().objects.get(pk=key)) if key else None


def text(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def refused(client, answer, reason, caplog):
    """Nobody came in; page, log and history say why."""
    assert answer.status_code == 401
    assert f"Not accepted: {reason}." in text(answer)
    assert who(client) is None
    assert not get_user_model().objects.exists()
    assert f"company sign-in refused: {reason}" in caplog.text
    event = Event.objects.get(kind=Kind.REFUSED)
    assert (event.way, event.words) == ("the Acme account", f"Not accepted: {reason}.")


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
    assert "Continue with" not in text(client.get("/accounts/login/"))
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
        assert "asked for groups and says other ;" in text(client.get("/numbers/"))


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


CHANGED = {
    "an assertion meant for somebody else": [
        {"audience": audience("https://elsewhere.test/metadata")},
        {"audience": ""},
        {"audience": audience(f"{HERE}/metadata/") + audience("https://elsewhere.test/metadata")},
        {"destination": f"{HERE}/answer/more"},
        {"destination": "https://elsewhere.test/answer/"},
    ],
    "an assertion expired": [{"from_now": -1000}, {"from_now": -340}],
    "an assertion from the future": [{"from_now": 60}, {"from_now": 600}],
    "an assertion from another issuer": [{"issuer": "https://evil.test"}],
    "an assertion that is not for this site, this question or this moment": [
        {"recipient": "https://elsewhere.test/answer/"},
        {"recipient": f"https://elsewhere.test/?{HERE}/answer/"},
        {"until": -31},
        {"confirmed_for": ""},
        {"confirmed_for": ' InResponseTo="_another"'},
    ],
    "an answer that nobody here asked for": [{"in_response_to": "", "confirmed_for": ""}],
    "the identity provider answered that it did not sign anybody in": [{"status": "Responder"}],
}


@pytest.mark.parametrize(
    ("changes", "reason"), [(changes, reason) for reason, all_of_it in CHANGED.items() for changes in all_of_it]
)
def test_an_assertion_that_does_not_hold_is_refused(client, sign_in, caplog, changes, reason):
    refused(client, sign_in(**changes), reason, caplog)


def without_a_signature(idp, question):
    return idp.response(question)


def with_the_whole_signed_alone(idp, question):
    return idp.sign(idp.response(question))


def altered(idp, question):
    answer = idp.answer(question, groups=["everyone-sales"])
    answer.find(".//saml:Attribute[@Name='groups']", NAMES)[0].text = "sales-ops"
    return answer


def with_another_signature(idp, question):
    answer, other = idp.answer(question), idp.answer(question)
    assertion = assertion_of(answer)
    assertion.replace(signature_of(assertion), signature_of(assertion_of(other)))
    return answer


def by_the_certificate_as_a_secret(idp, question):
    """As if the public key were one that both sides share."""
    response = idp.response(question)
    secret = xmlsec.Key.from_binary_data(xmlsec.KeyData.HMAC, idp.certificate.encode())
    idp.sign(assertion_of(response), method=xmlsec.Transform.HMAC_SHA256, key=secret)
    return response


def too_weakly(idp, question):
    response = idp.response(question)
    idp.sign(assertion_of(response), method=xmlsec.Transform.RSA_SHA1)
    return response


@pytest.mark.parametrize(
    ("forge", "reason"),
    [
        (without_a_signature, "an assertion without a signature"),
        (with_the_whole_signed_alone, "an assertion without a signature"),
        (altered, "an assertion with a wrong signature"),
        (with_another_signature, "a response that is put together from parts"),
        (by_the_certificate_as_a_secret, "an assertion with a wrong signature"),
        (too_weakly, "an assertion signed in a way that is too weak"),
    ],
)
def test_a_forged_signature_is_refused(client, idp, caplog, forge, reason):
    refused(client, bring(client, forge(idp, begin(client))), reason, caplog)


def test_an_assertion_signed_by_another_key_is_refused(client, other_key, caplog):
    """Its certificate stands in the signature, and says nothing."""
    answer = IdentityProvider(other_key.private).answer(begin(client))
    refused(client, bring(client, answer), "an assertion with a wrong signature", caplog)


@pytest.mark.parametrize("wrap", saml_idp.WRAPPED)
@pytest.mark.parametrize("whole", ["the assertion", "both"])
def test_a_wrapped_signature_is_refused(client, idp, caplog, wrap, whole):
    answer = idp.answer(begin(client), groups=["everyone-sales"])
    if whole == "both":
        idp.sign(answer)
    wrap(answer)
    came = bring(client, answer)
    assert came.status_code == 401
    assert who(client) is None
    assert not get_user_model().objects.exists()
    assert "company sign-in refused: " in caplog.text


@pytest.mark.parametrize("what", ["", "nonsense", packed(b"nonsense"), packed(b"<a/>"), packed(b"")])
def test_what_is_no_answer_is_refused(client, what):
    assert bring(client, what).status_code == 401


def test_entities_are_not_followed(client, idp, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("of this machine")
    answer = etree.tostring(idp.answer(begin(client)))
    answer = f'<!DOCTYPE x [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'.encode() + answer
    came = bring(client, packed(answer.replace(b"ana-for-good", b"&x;")))
    assert came.status_code == 401
    assert "not a response" in text(came)


def test_an_encrypted_assertion_is_said_to_be_one(client, idp, caplog):
    answer = idp.response(begin(client))
    answer.replace(assertion_of(answer), etree.Element(f"{{{NAMES['saml']}}}EncryptedAssertion"))
    reason = "an encrypted assertion, which closephones has no key for"
    refused(client, bring(client, answer), reason, caplog)


def test_an_answer_is_taken_once(client, idp, caplog):
    answer = packed(idp.answer(begin(client)))
    assert bring(client, answer)["Location"] == "/"
    client.logout()
    get_user_model().objects.all().delete()
    refused(client, bring(client, answer), "an assertion used before", caplog)
    caplog.clear()
    stranger = Client()
    begin(stranger)
    assert bring(stranger, answer).status_code == 401
    assert answer not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_takes_the_answer(client, idp):
    """What was used is kept where all processes look, and noted by one statement."""
    answer = packed(idp.answer(begin(client)))

    def post(_):
        try:
            return Client().post(ANSWER, {"SAMLResponse": answer}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(post, range(4))) == [302, 401, 401, 401]


def test_no_log_holds_an_answer(idp):
    packed_answer = packed(idp.answer("_question"))
    assert packed_answer not in without_secrets(f"POST /accounts/saml/answer/ SAMLResponse={packed_answer}")


def test_an_answer_to_another_browser_is_refused(client, idp, caplog):
    """Who lures somebody into signing in as them gets nowhere: the other browser did not ask."""
    victim = Client()
    begin(victim)
    came = bring(victim, idp.answer(begin(client)))
    refused(victim, came, "it does not belong to a sign-in begun here", caplog)


def test_an_answer_with_the_question_of_another_is_refused(client, idp, caplog):
    """A stolen assertion, in a response that names the thief's own question: that part nobody has signed."""
    stolen = idp.answer(begin(Client()))
    stolen.set("InResponseTo", begin(client))
    reason = "an assertion that is not for this site, this question or this moment"
    refused(client, bring(client, stolen), reason, caplog)


def test_a_question_is_answered_once(client, idp):
    question = begin(client)
    came = Client().post(ANSWER, {"SAMLResponse": packed(idp.answer(question))})
    assert client.get(came["Location"]).status_code == 302
    client.logout()
    assert client.get(came["Location"]).status_code == 401
    assert client.get(FINISH).status_code == 401
    assert who(client) is None


def test_an_account_with_the_same_address_is_left_as_it_is(client, sign_in):
    ana = make_user("Ana Ruiz", is_superuser=True)
    answer = sign_in()
    assert answer.status_code == 409
    assert "There is an account with your e-mail address here already" in text(answer)
    assert who(client) is None
    assert list(get_user_model().objects.all()) == [ana]


def test_who_is_deactivated_stays_out(client, sign_in):
    sign_in(groups=["sales-ops"])
    user = who(client).user
    user.is_active = False
    user.save()
    answer = sign_in(groups=["sales-ops"])
    assert answer.status_code == 403
    assert "Your account here was deactivated." in text(answer)
    assert client.get("/numbers/").status_code == 302
