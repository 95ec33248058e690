"""The identity provider of SAML: its name, where it signs people in, and the certificates that it signs with.

All of it stands in its metadata, at an address or in a file. They are kept for ten minutes, and for up to a day
where they cannot be read anew: a key that was taken back there must not be believed here for long.
https://docs.oasis-open.org/security/saml/v2.0/saml-metadata-2.0-os.pdf
"""

import base64
import binascii
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from allauth.socialaccount.adapter import get_adapter
from cryptography import x509
from django.conf import settings
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML as Xml
from urllib3.exceptions import HTTPError

from dashboard.signin.saml_settings import is_address
from dashboard.signin.tokens import REST, is_safe

log = logging.getLogger(__name__)

LASTS, LASTS_AT_MOST = 600, 24 * 3600
# Seconds until somebody who waits is told that it is away: to reach it and for each of its words, and in all.
PATIENCE, SECONDS = (2.0, 1.5), 3.5
# How many bytes are read.
LARGEST = 4 * 1024 * 1024
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
SIGNING = "./md:KeyDescriptor[not(@use) or @use='signing']/ds:KeyInfo/ds:X509Data/ds:X509Certificate"


class MetadataError(Exception):
    """The metadata cannot be used, or not be had; the text says why."""


@dataclass(frozen=True)
class IdentityProvider:
    """Who vouches for people: its name, where it signs them in, its certificates (base64 of DER)."""

    entity_id: str
    sign_in_url: str
    certificates: tuple[str, ...]


@dataclass
class _Kept:
    """What was read of one SAML_METADATA: when, and when that failed last (on the clock that never jumps)."""

    found: IdentityProvider | None = None
    read_at: float = float("-inf")
    failed_at: float = float("-inf")


_kept: dict[str, _Kept] = {}


def identity_provider() -> IdentityProvider:
    """The identity provider of the settings; MetadataError where its metadata cannot be had or cannot be used."""
    metadata = settings.SAML_METADATA
    kept = _kept.setdefault(metadata, _Kept())
    now = time.monotonic()
    if kept.found and now - kept.read_at < LASTS:
        return kept.found
    if now - kept.failed_at >= REST:
        try:
            kept.found, kept.read_at = identity_provider_in(_bytes_of(metadata)), now
        except (OSError, MetadataError) as error:
            kept.failed_at = time.monotonic()
            # The text of a network's error may hold an address with a key in it.
            reason = error if isinstance(error, MetadataError) else type(error).__name__
            log.warning("SAML: the metadata could not be read: %s", reason)
    if kept.found is None or now - kept.read_at > LASTS_AT_MOST:
        raise MetadataError("there are no metadata to go by")
    return kept.found


def identity_provider_in(metadata: bytes) -> IdentityProvider:
    """What these metadata say; MetadataError, in words, where they are not those of one identity provider."""
    try:
        root = Xml.to_etree(metadata)
    except (ValueError, SyntaxError) as error:
        raise MetadataError("it is not XML") from error
    roles = Xml.query(root, "//md:IDPSSODescriptor")
    if len(roles) != 1:
        raise MetadataError(f"it describes {len(roles) or 'no'} identity providers, and one is needed")
    entity, role = roles[0].getparent(), roles[0]
    for element in (root, entity, role):
        if _is_over(element.get("validUntil")):
            raise MetadataError(f"it was valid until {element.get('validUntil')}")
    places = [
        place.get("Location", "") for place in Xml.query(role, f"./md:SingleSignOnService[@Binding='{REDIRECT}']")
    ]
    if not places or not is_safe(places[0]):
        raise MetadataError("it names no place to sign in by HTTP-Redirect with https")
    certificates = tuple("".join((node.text or "").split()) for node in Xml.query(role, SIGNING))
    if not certificates or not all(_is_certificate(text) for text in certificates):
        raise MetadataError("it holds no certificate to know signatures by")
    if not entity.get("entityID"):
        raise MetadataError("it does not say what the identity provider is called")
    return IdentityProvider(entity.get("entityID"), places[0], certificates)


def seconds_of(moment: str) -> float:
    """A moment as SAML writes it, in seconds since 1970; ValueError where it is none."""
    then = datetime.fromisoformat(moment)
    return (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp()


def _is_over(moment: str | None) -> bool:
    try:
        return moment is not None and seconds_of(moment) < time.time()
    except ValueError as error:
        raise MetadataError("it is valid until a time that is none") from error


def _is_certificate(text: str) -> bool:
    try:
        x509.load_der_x509_certificate(base64.b64decode(text))
    except (ValueError, binascii.Error):
        return False
    return True


def _bytes_of(metadata: str) -> bytes:
    """Read the file, or ask the address, for five seconds at most; OSError or MetadataError."""
    if not is_address(metadata):
        return Path(metadata).read_bytes()
    began, body = time.monotonic(), b""
    with (
        get_adapter().get_requests_session() as session,
        session.get(metadata, stream=True, timeout=PATIENCE) as answer,
    ):
        if not all(is_safe(step.url) for step in [*answer.history, answer]):
            raise MetadataError("the address leads on to one without https")
        answer.raise_for_status()
        try:
            # What has come so far, however little: whoever sends a byte a second is not waited for either.
            while part := answer.raw.read1(65_536, decode_content=True):
                body += part
                if time.monotonic() - began > SECONDS or len(body) > LARGEST:
                    raise MetadataError("the address answers too slowly, or with too much")
        except HTTPError as error:
            raise MetadataError("the address broke off") from error
    return body
