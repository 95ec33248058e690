"""An identity provider of the tests: metadata, and signed answers that may be wrong on purpose."""

import base64
import datetime
import zlib
from copy import deepcopy
from functools import cached_property
from urllib.parse import parse_qs, urlsplit

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from lxml import etree

NAME, SIGN_IN = "https://login.example.com/saml", "https://login.example.com/saml/sign-in"
HERE = "http://127.0.0.1:8000/accounts/saml"
NAMES = {
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
RESPONSE = """<samlp:Response xmlns:samlp="{samlp}" xmlns:saml="{saml}" ID="_response" Version="2.0"
 IssueInstant="{now}" Destination="{destination}"{in_response_to}><saml:Issuer>{issuer}</saml:Issuer>
<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{status}"/></samlp:Status>
<saml:Assertion ID="{id}" Version="2.0" IssueInstant="{now}"><saml:Issuer>{issuer}</saml:Issuer>
<saml:Subject><saml:NameID Format="{name_id_format}">{name_id}</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData
 NotOnOrAfter="{confirmed_until}" Recipient="{recipient}"{confirmed_for}/></saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="{not_before}" NotOnOrAfter="{not_on_or_after}">{audience}</saml:Conditions>
<saml:AuthnStatement AuthnInstant="{now}" SessionIndex="_session"><saml:AuthnContext><saml:AuthnContextClassRef
>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>
{attributes}</saml:Assertion></samlp:Response>"""
METADATA = """<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="{ds}" entityID="{name}">
<md:IDPSSODescriptor protocolSupportEnumeration="{samlp}"><md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data>
<ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{sign_in}"/>
</md:IDPSSODescriptor></md:EntityDescriptor>"""


class IdentityProvider:
    """Signs with `private`, an RSA key; its metadata hold the certificate of it."""

    def __init__(self, private):
        self.private = private
        self.made = 0

    @cached_property
    def pem(self):
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @cached_property
    def certificate(self):
        """Base64 of a certificate that nobody but this provider has signed."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "login.example.com")])
        day = datetime.datetime(2026, 1, 1)
        made = x509.CertificateBuilder(name, name, self.private.public_key(), x509.random_serial_number(), day)
        made = made.not_valid_after(day + datetime.timedelta(days=3650)).sign(self.private, hashes.SHA256())
        return base64.b64encode(made.public_bytes(Encoding.DER)).decode()

    def metadata(self, **changes):
        facts = {"certificate": self.certificate, "name": NAME, "sign_in": SIGN_IN} | NAMES | changes
        return METADATA.format(**facts).encode()

    def response(self, question, *, groups=(), email="ana@example.com", from_now=-5, until=295, **changes):
        """An answer to this question as it should be, with these facts changed, not signed yet."""
        self.made += 1
        times = {"now": 0, "not_before": from_now, "not_on_or_after": from_now + 300, "confirmed_until": until}
        said = {"email": [email], "givenName": ["Ana"], "sn": ["Ruiz"], "groups": list(groups)}
        facts = {name: moment(seconds) for name, seconds in times.items()} | {
            "issuer": NAME,
            "id": f"_assertion-{id(self)}-{self.made}",
            "destination": f"{HERE}/answer/",
            "recipient": f"{HERE}/answer/",
            "in_response_to": f' InResponseTo="{question}"',
            "confirmed_for": f' InResponseTo="{question}"',
            "name_id": "ana-for-good",
            "name_id_format": PERSISTENT,
            "audience": audience(f"{HERE}/metadata/"),
            "status": "Success",
            "attributes": attributes(said),
        }
        return etree.fromstring(RESPONSE.format(**NAMES | facts | changes).encode())

    def sign(self, element, *, method=xmlsec.Transform.RSA_SHA256, key=None):
        """Put a signature into `element`, after its issuer, as the standard wants it."""
        signature = xmlsec.template.create(element, xmlsec.Transform.EXCL_C14N, method, ns="ds")
        element.insert(1, signature)
        digest = xmlsec.Transform.SHA256
        reference = xmlsec.template.add_reference(signature, digest, uri=f"#{element.get('ID')}")
        xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
        xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
        information = xmlsec.template.ensure_key_info(signature)
        certificate = etree.SubElement(
            etree.SubElement(information, f"{{{NAMES['ds']}}}X509Data"), f"{{{NAMES['ds']}}}X509Certificate"
        )
        certificate.text = self.certificate
        xmlsec.tree.add_ids(element, ["ID"])
        context = xmlsec.SignatureContext()
        context.key = key or xmlsec.Key.from_memory(self.pem, xmlsec.KeyFormat.PEM)
        context.sign(signature)
        return element

    def answer(self, question, **changes):
        """An answer with a signed assertion."""
        response = self.response(question, **changes)
        self.sign(assertion_of(response))
        return response


def assertion_of(response):
    return response.find("saml:Assertion", NAMES)


def signature_of(element):
    return element.find("ds:Signature", NAMES)


def audience(*names):
    inside = "".join(f"<saml:Audience>{name}</saml:Audience>" for name in names)
    return f"<saml:AudienceRestriction>{inside}</saml:AudienceRestriction>"


def attributes(said):
    lines = "".join(
        f'<saml:Attribute Name="{name}">'
        + "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in values)
        + "</saml:Attribute>"
        for name, values in said.items()
    )
    return f"<saml:AttributeStatement>{lines}</saml:AttributeStatement>"


def moment(seconds):
    """So many seconds from now, as SAML writes it."""
    then = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


def packed(response):
    """As a browser posts it."""
    text = response if isinstance(response, bytes) else etree.tostring(response)
    return base64.b64encode(text).decode()


def question_in(address):
    """The request that an address of the provider carries, as XML."""
    asked = parse_qs(urlsplit(address).query)["SAMLRequest"][0]
    return etree.fromstring(zlib.decompress(base64.b64decode(asked), -15))


# --- wrapped signatures: the signed assertion stays somewhere, and another one stands where it is looked for ------
# https://www.usenix.org/conference/usenixsecurity12/technical-sessions/presentation/somorovsky


def _evil(good, *, same_id=False):
    """The assertion of somebody else, without a signature."""
    evil = deepcopy(good)
    evil.remove(signature_of(evil))
    evil.find("saml:Subject/saml:NameID", NAMES).text = "somebody-else"
    evil.find(".//saml:Attribute[@Name='groups']", NAMES)[0].text = "sales-ops"
    if not same_id:
        evil.set("ID", "_evil")
    return evil


def _element(name):
    prefix, _, local = name.partition(":")
    return etree.Element(f"{{{NAMES[prefix]}}}{local}")


def before_it(response):
    good = assertion_of(response)
    good.addprevious(_evil(good))


def after_it(response):
    good = assertion_of(response)
    good.addnext(_evil(good))


def with_its_id(response):
    good = assertion_of(response)
    good.addprevious(_evil(good, same_id=True))


def around_it(response):
    good = assertion_of(response)
    evil = _evil(good)
    good.addprevious(evil)
    evil.append(good)


def with_its_signature(response):
    good = assertion_of(response)
    evil = _evil(good)
    good.addprevious(evil)
    evil.insert(1, signature_of(good))


def with_its_signature_and_id(response):
    good = assertion_of(response)
    evil = _evil(good, same_id=True)
    good.addprevious(evil)
    evil.insert(1, signature_of(good))


def inside_the_signature(response):
    good = assertion_of(response)
    evil, signature = _evil(good), signature_of(good)
    good.addprevious(evil)
    evil.insert(1, signature)
    inside = _element("ds:Object")
    signature.append(inside)
    inside.append(good)


def in_the_extensions(response):
    good = assertion_of(response)
    evil = _evil(good)
    good.addprevious(evil)
    outside = _element("samlp:Extensions")
    response.insert(1, outside)
    outside.append(good)


def in_a_response_within(response):
    """A whole signed response hidden in one that is made up."""
    good = assertion_of(response)
    evil, hidden = _evil(good), deepcopy(response)
    good.addprevious(evil)
    response.remove(good)
    outside = _element("samlp:Extensions")
    response.insert(1, outside)
    outside.append(hidden)


WRAPPED = (
    before_it,
    after_it,
    with_its_id,
    around_it,
    with_its_signature,
    with_its_signature_and_id,
    inside_the_signature,
    in_the_extensions,
    in_a_response_within,
)
