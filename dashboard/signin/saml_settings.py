"""What is set of SAML, and whether it can be: looked at before the start, and without the packages that it needs.

SAML is an extra (deploy/requirements-saml.txt), because signatures of XML need a library in C.
"""

import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from django.conf import settings
from django.urls import reverse

from dashboard.signin.tokens import is_safe

HOW = "Type: .venv/bin/pip install --require-hashes -r deploy/requirements-saml.lock"


def entity_id() -> str:
    """Under which name the identity provider knows this site; the site's own metadata lie there."""
    return f"{settings.BASE_URL}{reverse('saml-metadata')}"


def answer_address() -> str:
    """Where the identity provider has browsers bring its answers (the assertion consumer service)."""
    return f"{settings.BASE_URL}{reverse('saml-answer')}"


def is_address(metadata: str) -> bool:
    """Whether SAML_METADATA is an address, and not the path of a file."""
    return "://" in metadata


@cache
def missing() -> str:
    """Why the packages of the extra cannot be used, in a sentence; "" where they can."""
    try:
        importlib.import_module("onelogin.saml2.response")
    except ImportError as error:
        return f"The packages of SAML are not installed ({error})."
    except Exception as error:
        # xmlsec refuses to work beside an lxml that was built with another libxml2.
        return f"The packages of SAML do not fit together ({error})."
    return ""


def problems() -> Iterator[str]:
    """What is wrong with the settings of SAML, in sentences. No address is asked: it may be down at this moment."""
    metadata = settings.SAML_METADATA
    if not metadata:
        return
    if settings.OIDC_ISSUER:
        yield "SAML_METADATA and OIDC_ISSUER are both set, and there is one company account. Keep one of them."
    if settings.PROXY_AUTH != "off":
        yield "PROXY_AUTH and SAML_METADATA are both set, and a proxy is the only way in where it is. Keep one."
    if metadata.startswith("<"):
        yield "SAML_METADATA holds the metadata themselves. Write the path of the file into it, or an address."
    elif is_address(metadata) and not (metadata.startswith(("https://", "http://")) and is_safe(metadata)):
        yield f"SAML_METADATA is {metadata}; it has to begin with https://, or point at this machine."
    elif missing():
        yield f"SAML_METADATA is set. {missing()} {HOW}"
    elif not is_address(metadata):
        yield from _problems_of_the_file(Path(metadata))


def _problems_of_the_file(path: Path) -> Iterator[str]:
    # Only here, where the extra is known to be there.
    from dashboard.signin.saml_metadata import MetadataError, identity_provider_in

    try:
        identity_provider_in(path.read_bytes())
    except OSError as error:
        yield f"SAML_METADATA names {path}, which cannot be read: {error.strerror or error}."
    except MetadataError as error:
        yield f"SAML_METADATA names {path}, which is no use: {error}."
