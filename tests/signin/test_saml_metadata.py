"""The metadata of the identity provider: read from an address or a file, kept, and distrusted until they fit."""

import socket
import sys
from contextlib import suppress
from threading import Event, Thread

import pytest

from dashboard.checks import signin as checks
from dashboard.signin import saml_metadata, saml_settings
from dashboard.signin.saml_metadata import (
    MetadataError,
    identity_provider,
    identity_provider_in,
)

from .saml_idp import NAME, SIGN_IN, IdentityProvider


@pytest.fixture(scope="session")
def idp(key):
    return IdentityProvider(key.private)


@pytest.fixture
def address(issuer, idp, settings):
    """Metadata at an address of the tests; a list of what was asked comes with it."""
    issuer.answer = lambda path, form: issuer.asked.append(path) or issuer.served
    issuer.served = idp.metadata()
    settings.SAML_METADATA = f"{issuer.url}/metadata"
    return issuer


def problems():
    return [message.msg for message in checks.saml_is_whole(None)]


def test_what_the_metadata_say(idp):
    found = identity_provider_in(idp.metadata())
    assert (found.entity_id, found.sign_in_url, found.certificates) == (NAME, SIGN_IN, (idp.certificate,))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: b"nonsense", "it is not XML"),
        (lambda text: b"<!DOCTYPE x []>" + text, "it is not XML"),
        (lambda text: text.replace(b"IDPSSODescriptor", b"SPSSODescriptor"), "it describes no identity providers"),
        (lambda text: b"<x>" + text + text + b"</x>", "it describes 2 identity providers"),
        (lambda text: text.replace(b"HTTP-Redirect", b"SOAP"), "it names no place to sign in"),
        (
            lambda text: text.replace(b"https://login.example.com/saml/", b"http://x.test/"),
            "it names no place to sign",
        ),
        (
            lambda text: text.replace(b"https://login.example.com/saml/", b"javascript://localhost/%0a"),
            "it names no place to sign",
        ),
        (lambda text: text.replace(b'use="signing"', b'use="encryption"'), "it holds no certificate"),
        (lambda text: text.replace(b"MII", b"AAA"), "it holds no certificate"),
        (
            lambda text: text.replace(b"entityID=", b"validUntil='2026-01-02T00:00:00Z' entityID="),
            "it was valid until",
        ),
        (lambda text: text.replace(b"entityID=", b"validUntil='soon' entityID="), "it is valid until a time that is"),
        (lambda text: text.replace(NAME.encode() + b'"', b'"', 1), "it does not say what"),
    ],
)
def test_metadata_that_cannot_be_used_are_named(idp, settings, tmp_path, change, reason):
    wrong = change(idp.metadata())
    with pytest.raises(MetadataError, match=reason):
        identity_provider_in(wrong)
    path = tmp_path / "metadata.xml"
    path.write_bytes(wrong)
    settings.SAML_METADATA = str(path)
    (problem,) = problems()
    assert problem.startswith(f"SAML_METADATA names {path}, which is no use: {reason}")


def test_a_file_that_is_not_there_stops_the_start(settings, tmp_path):
    settings.SAML_METADATA = str(tmp_path / "nothing.xml")
    assert problems() == [
        f"SAML_METADATA names {tmp_path}/nothing.xml, which cannot be read: No such file or directory."
    ]


def test_settings_that_do_not_fit_stop_the_start(settings, address):
    assert problems() == []
    assert address.asked == []
    settings.OIDC_ISSUER = "https://login.example.com"
    assert "SAML_METADATA and OIDC_ISSUER are both set" in problems()[0]
    settings.OIDC_ISSUER, settings.PROXY_AUTH = "", "iap"
    assert "PROXY_AUTH and SAML_METADATA are both set" in problems()[0]
    settings.PROXY_AUTH = "off"
    for wrong in ("http://login.example.com/metadata", "file://localhost/etc/passwd", "ftp://127.0.0.1/x"):
        settings.SAML_METADATA = wrong
        assert "it has to begin with https://" in problems()[0]
    settings.SAML_METADATA = "<md:EntityDescriptor/>"
    assert "Write the path of the file" in problems()[0]


def test_with_saml_alone_nobody_needs_a_password(settings, address):
    settings.LOCAL_LOGIN = "off"
    assert list(checks.somebody_can_sign_in(None)) == []


def test_without_the_extra_it_does_not_start_and_says_what_to_type(settings, address, monkeypatch):
    saml_settings.missing.cache_clear()
    for name in [name for name in sys.modules if name.startswith("onelogin")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "xmlsec", None)
    try:
        (problem,) = problems()
    finally:
        saml_settings.missing.cache_clear()
    assert problem.startswith("SAML_METADATA is set. The packages of SAML are not installed (")
    assert problem.endswith("Type: .venv/bin/pip install --require-hashes -r deploy/requirements-saml.lock")


@pytest.mark.django_db
def test_an_address_is_asked_once_in_ten_minutes_and_lasts_a_day_where_it_is_down(address, client, monkeypatch):
    assert identity_provider().entity_id == NAME
    assert identity_provider().entity_id == NAME
    assert address.asked == ["/metadata"]
    address.down = True
    monkeypatch.setattr(saml_metadata, "LASTS", 0)
    assert identity_provider().entity_id == NAME
    monkeypatch.setattr(saml_metadata, "LASTS_AT_MOST", 0)
    answer = client.post("/accounts/saml/login/")
    assert answer.status_code == 503
    assert "Your company account cannot be reached at the moment." in answer.content.decode()
    address.down = False
    # Nobody waits again for what did not answer a moment ago.
    assert client.post("/accounts/saml/answer/", {"SAMLResponse": "x"}).status_code == 503
    monkeypatch.setattr(saml_metadata, "REST", 0)
    assert client.post("/accounts/saml/login/").status_code == 200


def test_an_address_that_serves_something_else_is_said_in_the_log(address, caplog):
    address.served = b"nonsense"
    with pytest.raises(MetadataError):
        identity_provider()
    assert "SAML: the metadata could not be read: it is not XML" in caplog.text


@pytest.mark.parametrize(("name", "bound"), [("SECONDS", -1), ("LARGEST", 10)])
def test_an_address_that_answers_too_slowly_or_with_too_much_is_let_go(address, caplog, monkeypatch, name, bound):
    monkeypatch.setattr(saml_metadata, name, bound)
    with pytest.raises(MetadataError):
        identity_provider()
    assert "the address answers too slowly, or with too much" in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize(
    "first", [b"", b"HTTP/1.1 200 OK\r\n\r\n<", b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n<"]
)
def test_an_address_that_says_nothing_or_does_not_end_is_not_waited_for(client, settings, monkeypatch, first):
    monkeypatch.setattr(saml_metadata, "PATIENCE", (0.1, 0.1))
    with socket.create_server(("127.0.0.1", 0)) as slow:
        settings.SAML_METADATA = f"http://127.0.0.1:{slow.getsockname()[1]}/metadata"
        thread = Thread(target=lambda: serve(slow.accept()[0], first))
        thread.start()
        assert client.post("/accounts/saml/login/").status_code == 503
        thread.join()


def serve(connection, first):
    """Answer with this and no more, until the other side has had enough."""
    with connection, suppress(OSError):
        connection.sendall(first)
        while connection.recv(65_536):
            pass


@pytest.mark.django_db
def test_an_address_that_drips_is_not_waited_for(client, settings, monkeypatch):
    monkeypatch.setattr(saml_metadata, "SECONDS", 0.2)
    enough = Event()

    def drip():
        with slow.accept()[0] as connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while not enough.wait(0.02):
                connection.sendall(b" ")

    with socket.create_server(("127.0.0.1", 0)) as slow:
        settings.SAML_METADATA = f"http://127.0.0.1:{slow.getsockname()[1]}/metadata"
        thread = Thread(target=drip)
        thread.start()
        assert client.post("/accounts/saml/login/").status_code == 503
        enough.set()
        thread.join()
