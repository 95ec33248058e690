"""Questions to the identity provider, and its answers: whether one is genuine, meant for us, of now and not used yet.

python3-saml verifies the signature and what it covers. What it lets pass is held here again, on what was signed:
it takes an assertion that names nobody it is for, compares the beginnings of addresses, ties an answer to its
question by what is not signed, and allows clocks five minutes. Nothing of an answer ever stands in an error.
https://docs.oasis-open.org/security/saml/v2.0/saml-profiles-2.0-os.pdf (4.1.4)
"""

import hashlib
import time
from dataclasses import asdict, dataclass
from typing import Any

from allauth.socialaccount.providers.saml.provider import SAMLProvider
from django.core.cache import cache
from onelogin.saml2.auth import OneLogin_Saml2_Auth as Auth
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.errors import OneLogin_Saml2_Error as SamlError
from onelogin.saml2.errors import OneLogin_Saml2_ValidationError as ValidationError
from onelogin.saml2.response import OneLogin_Saml2_Response as Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings as Settings
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML as Xml

from dashboard.signin import saml_settings
from dashboard.signin.saml_metadata import IdentityProvider, seconds_of
from dashboard.signin.tokens import LEEWAY

PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
SOAP = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
# What identity providers call what we need: the standard's names, Microsoft's, and the short ones.
ATTRIBUTES = {
    # What never changes about a person. An address does, so it never says who somebody is.
    "uid": [
        "urn:oasis:names:tc:SAML:attribute:subject-id",
        "urn:oasis:names:tc:SAML:attribute:pairwise-id",
        "http://schemas.microsoft.com/identity/claims/objectidentifier",
        "uid",
    ],
    "email": ["urn:oid:0.9.2342.19200300.100.1.3", f"{SOAP}/emailaddress", "email", "mail"],
    "first_name": ["urn:oid:2.5.4.42", f"{SOAP}/givenname", "firstName", "givenName"],
    "last_name": ["urn:oid:2.5.4.4", f"{SOAP}/surname", "lastName", "surname", "sn"],
    "name": [
        "urn:oid:2.16.840.1.113730.3.1.241",
        "http://schemas.microsoft.com/identity/claims/displayname",
        "displayName",
    ],
}

PUT_TOGETHER = "a response that is put together from parts"
REASONS = {
    ValidationError.STATUS_CODE_IS_NOT_SUCCESS: "the identity provider answered that it did not sign anybody in",
    ValidationError.NO_SIGNED_ASSERTION: "an assertion without a signature",
    ValidationError.NO_SIGNATURE_FOUND: "an assertion without a signature",
    ValidationError.INVALID_SIGNATURE: "an assertion with a wrong signature",
    ValidationError.DEPRECATED_SIGNATURE_METHOD: "an assertion signed in a way that is too weak",
    ValidationError.DEPRECATED_DIGEST_METHOD: "an assertion signed in a way that is too weak",
    ValidationError.WRONG_AUDIENCE: "an assertion meant for somebody else",
    ValidationError.WRONG_DESTINATION: "an assertion meant for somebody else",
    ValidationError.WRONG_ISSUER: "an assertion from another issuer",
    ValidationError.ASSERTION_EXPIRED: "an assertion expired",
    ValidationError.SESSION_EXPIRED: "an assertion expired",
    ValidationError.ASSERTION_TOO_EARLY: "an assertion from the future",
    ValidationError.WRONG_SUBJECTCONFIRMATION: "an assertion that is not for this site, this question or this moment",
    ValidationError.WRONG_NUMBER_OF_ASSERTIONS: PUT_TOGETHER,
    ValidationError.WRONG_SIGNED_ELEMENT: PUT_TOGETHER,
    ValidationError.DUPLICATED_ID_IN_SIGNED_ELEMENTS: PUT_TOGETHER,
    ValidationError.INVALID_SIGNED_ELEMENT: PUT_TOGETHER,
    ValidationError.DUPLICATED_REFERENCE_IN_SIGNED_ELEMENTS: PUT_TOGETHER,
    ValidationError.UNEXPECTED_SIGNED_ELEMENTS: PUT_TOGETHER,
    ValidationError.WRONG_NUMBER_OF_SIGNATURES_IN_RESPONSE: PUT_TOGETHER,
    ValidationError.WRONG_NUMBER_OF_SIGNATURES_IN_ASSERTION: PUT_TOGETHER,
}


class RefusedAnswerError(Exception):
    """The answer is not to be trusted; the text says why, for the log."""


@dataclass(frozen=True)
class Answer:
    """Whom the identity provider vouches for, and which of our questions it answers."""

    question: str
    name_id: str
    name_id_format: str
    attributes: dict[str, list[str]]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    # How allauth's provider asks for them.
    def get_attributes(self) -> dict[str, list[str]]:
        return self.attributes

    def get_nameid(self) -> str:
        return self.name_id

    def get_nameid_format(self) -> str:
        return self.name_id_format


class Provider(SAMLProvider):
    """The one identity provider of the settings."""

    def extract_uid(self, data: Answer) -> str:
        """What says for good who somebody is; RefusedAnswerError where there is nothing but what may change."""
        uid = self._extract(data).get("uid") or (data.name_id if data.name_id_format == PERSISTENT else "")
        if not uid or len(uid) > 190:
            raise RefusedAnswerError("an assertion without a persistent name of the person")
        return str(uid)

    def extract_extra_data(self, data: Answer) -> dict[str, Any]:
        return {"attributes": data.attributes}


def question(issuer: IdentityProvider) -> tuple[str, str]:
    """A question to the identity provider: the address that asks it, and its ID, which the answer has to name."""
    auth = Auth(_request_data(), _settings(issuer))
    return str(auth.login(return_to="")), str(auth.get_last_request_id())


def answer_of(text: str, issuer: IdentityProvider) -> Answer:
    """Whom this answer vouches for, once all of it holds, and never twice; RefusedAnswerError where not."""
    try:
        response = Response(_settings(issuer), text)
        response.is_valid(_request_data(), raise_exceptions=True)
        answer = _checked(response)
    except ValidationError as error:
        raise RefusedAnswerError(REASONS.get(error.code, "not a response as it has to be")) from error
    except SamlError as error:
        if error.code == SamlError.PRIVATE_KEY_NOT_FOUND:
            raise RefusedAnswerError("an encrypted assertion, which closephones has no key for") from error
        raise RefusedAnswerError("not a response as it has to be") from error
    except RefusedAnswerError:
        raise
    except Exception as error:
        # Parsers of made-up XML fail in many ways, and none of them is a way in.
        raise RefusedAnswerError("not a response of SAML") from error
    _use_up(response, issuer)
    return answer


def _checked(response: Any) -> Answer:
    """What the signed assertion says, once that holds which python3-saml lets pass."""
    now, here = time.time(), saml_settings.answer_address()
    document = response.get_xml_document()
    (assertion,) = Xml.query(document, "/samlp:Response/saml:Assertion")
    (conditions,) = Xml.query(assertion, "./saml:Conditions")
    restrictions = Xml.query(conditions, "./saml:AudienceRestriction")
    audiences = [[node.text for node in Xml.query(one, "./saml:Audience")] for one in restrictions]
    if not audiences or not all(saml_settings.entity_id() in names for names in audiences):
        raise RefusedAnswerError("an assertion meant for somebody else")
    if document.get("Destination", here) != here:
        raise RefusedAnswerError("an assertion meant for somebody else")
    if _time(conditions, "NotBefore", now) > now + LEEWAY or _time(assertion, "IssueInstant", now) > now + LEEWAY:
        raise RefusedAnswerError("an assertion from the future")
    if _time(conditions, "NotOnOrAfter", now + 1) <= now - LEEWAY:
        raise RefusedAnswerError("an assertion expired")
    question = document.get("InResponseTo")
    if not question:
        raise RefusedAnswerError("an answer that nobody here asked for")
    confirmed = Xml.query(
        assertion,
        f"./saml:Subject/saml:SubjectConfirmation[@Method='{Constants.CM_BEARER}']/saml:SubjectConfirmationData",
    )
    if not any(
        data.get("Recipient") == here
        and data.get("InResponseTo") == question
        and data.get("NotBefore") is None
        and _time(data, "NotOnOrAfter", 0) > now - LEEWAY
        for data in confirmed
    ):
        raise RefusedAnswerError("an assertion that is not for this site, this question or this moment")
    return Answer(
        question=question,
        name_id=response.get_nameid() or "",
        name_id_format=response.get_nameid_format() or "",
        attributes={
            name: [value for value in values if isinstance(value, str)]
            for name, values in response.get_attributes().items()
        },
    )


def _time(element: Any, name: str, default: float) -> float:
    """The moment in this attribute, in seconds since 1970."""
    return seconds_of(element.get(name)) if element.get(name) else default


def _use_up(response: Any, issuer: IdentityProvider) -> None:
    """Note in the cache that all processes share that this assertion was used; RefusedAnswerError where it was."""
    lasts = (response.get_assertion_not_on_or_after() or time.time()) - time.time() + 2 * LEEWAY
    mark = hashlib.sha256(f"{issuer.entity_id}\n{response.get_assertion_id()}".encode()).hexdigest()
    if not cache.add(f"saml-used:{mark}", 1, max(lasts, 600)):
        raise RefusedAnswerError("an assertion used before")


def _request_data() -> dict[str, Any]:
    """Where we are, as python3-saml wants to know it: from the settings, so that no header decides it."""
    scheme, _, host = saml_settings.answer_address().partition("://")
    host, _, path = host.partition("/")
    return {
        "https": "on" if scheme == "https" else "off",
        "http_host": host,
        "script_name": f"/{path}",
        "get_data": {},
    }


def _settings(issuer: IdentityProvider) -> Settings:
    return Settings(
        {
            "strict": True,
            "sp": {
                "entityId": saml_settings.entity_id(),
                "assertionConsumerService": {
                    "url": saml_settings.answer_address(),
                    "binding": Constants.BINDING_HTTP_POST,
                },
                "NameIDFormat": PERSISTENT,
            },
            "idp": {
                "entityId": issuer.entity_id,
                "singleSignOnService": {"url": issuer.sign_in_url, "binding": Constants.BINDING_HTTP_REDIRECT},
                "x509certMulti": {"signing": list(issuer.certificates)},
            },
            "security": {
                "wantAssertionsSigned": True,
                "rejectDeprecatedAlgorithm": True,
                "requestedAuthnContext": False,
                # Who has no groups has no attributes with some providers: that is said on a page of its own.
                "wantAttributeStatement": False,
                "wantNameId": False,
                "allowRepeatAttributeName": True,
                # Names within a company need no dot.
                "allowSingleLabelDomains": True,
            },
        }
    )
