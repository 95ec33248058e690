"""Answers of SAML that do not hold: expired, forged, wrapped, stolen, brought twice."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import xmlsec
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from lxml import etree

from dashboard.logs import without_secrets

from ..reading import text_of, who
from . import saml_idp
from .saml_company import ANSWER, FINISH, begin, bring, company, idp, metadata, refused, sign_in
from .saml_idp import HERE, NAMES, IdentityProvider, assertion_of, audience, packed, signature_of

__all__ = ["company", "idp", "metadata", "sign_in"]

pytestmark = pytest.mark.django_db


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
    assert "not a response" in text_of(came)


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
