"""Signing in by SAML in a browser: the answer comes from another site, and finds the sign-in that was begun here."""

import pytest
from playwright.sync_api import expect

from tests.signin import saml_idp
from tests.signin.issuer import Key


@pytest.fixture
def provider(close, quiet_server, settings, tmp_path):
    """What the identity provider shows for a question: a page with a button that brings a signed answer."""
    idp = saml_idp.IdentityProvider(Key().private)
    (tmp_path / "metadata.xml").write_bytes(idp.metadata())
    settings.BASE_URL, settings.LOCAL_LOGIN = quiet_server.url, "off"
    settings.SAML_METADATA, settings.SAML_NAME = str(tmp_path / "metadata.xml"), "the Acme account"
    settings.SSO_ROLE_MAP = {"sales-ops": "ops_admin"}
    here = f"{quiet_server.url}/accounts/saml"

    def show(route):
        answer = idp.answer(
            saml_idp.question_in(route.request.url).get("ID"),
            groups=["sales-ops"],
            destination=f"{here}/answer/",
            recipient=f"{here}/answer/",
            audience=saml_idp.audience(f"{here}/metadata/"),
        )
        field = f'<input type="hidden" name="SAMLResponse" value="{saml_idp.packed(answer)}">'
        form = f'<form method="post" action="{here}/answer/">{field}<button>I am Ana</button></form>'
        route.fulfill(content_type="text/html", body=f"<!doctype html><title>Acme</title>{form}")

    return show


def test_the_answer_from_another_site_signs_in(provider, visit, watch):
    watch.expect(f"asked another host: {saml_idp.SIGN_IN}")
    page = visit()
    page.route(f"{saml_idp.SIGN_IN}*", provider)
    page.goto("/people/")
    page.get_by_role("button", name="Continue with the Acme account").click()
    page.get_by_role("button", name="I am Ana").click()
    expect(page.locator("h1")).to_have_text("People")
    assert page.url.endswith("/people/")
    expect(page.locator("tr", has_text="Ana Ruiz")).to_contain_text("Company account")
