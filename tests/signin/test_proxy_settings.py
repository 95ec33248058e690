"""A proxy that is half set, or set so that anybody could play it, is refused before anything starts."""

import pytest

from dashboard.checks.signin import proxy_is_whole
from dashboard.signin.proxies import NEEDED, proxy

GOOD = {
    "cloudflare": {"PROXY_ISSUER": "https://acme.cloudflareaccess.com", "PROXY_AUDIENCE": "tag"},
    "iap": {"PROXY_AUDIENCE": "/projects/1/global/backendServices/2"},
    "alb": {
        "PROXY_ISSUER": "https://login.example.com",
        "PROXY_AUDIENCE": "arn:aws:elasticloadbalancing:eu-west-1:1:a",
    },
    "verified-access": {
        "PROXY_ISSUER": "https://login.example.com",
        "PROXY_AUDIENCE": "arn:aws:ec2:eu-west-1:1:verified-access-instance/vai-1",
    },
    "pomerium": {"PROXY_ISSUER": "phones.example.com"},
    "jwt": {
        "PROXY_HEADER": ["X-Assertion"],
        "PROXY_ALGORITHM": "RS256",
        "PROXY_ISSUER": "gateway",
        "PROXY_AUDIENCE": "closephones",
        "PROXY_JWKS_URL": "https://gateway.example.com/keys",
    },
    "header": {"PROXY_HEADER": ["X-Forwarded-User"], "TRUSTED_PROXY_CIDRS": ["10.0.3.0/28"]},
}


@pytest.fixture
def said(settings):
    """What the checks say of a kind of proxy with these settings; None takes one away."""

    def look(kind, **changes):
        settings.PROXY_AUTH = kind
        for name, value in (GOOD.get(kind, {}) | changes).items():
            setattr(settings, name, value)
        return [message.msg for message in proxy_is_whole(None)]

    return look


@pytest.mark.parametrize("kind", GOOD)
def test_what_is_whole_has_nothing_to_say(said, kind):
    assert said(kind) == []


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in NEEDED.items() for name in names])
def test_what_is_missing_is_named(said, kind, name):
    assert said(kind, **{name: ""}) == [f"PROXY_AUTH is {kind}, which lacks {name}."]


def test_settings_of_a_proxy_without_a_proxy_are_refused(said):
    assert said("off", PROXY_AUDIENCE="tag") == [
        "PROXY_AUDIENCE without PROXY_AUTH. Set PROXY_AUTH to the kind of proxy, or take it out."
    ]


@pytest.mark.parametrize(
    ("networks", "words"),
    [
        (["0.0.0.0/0"], "0.0.0.0/0, which is everybody"),
        (["10.0.0.0/8", "::/0"], "::/0, which is everybody"),
        (["*"], "“*”, which is no network"),
        (["10.0.3.1/28"], "which is no network"),
        (["proxy.internal"], "which is no network"),
    ],
)
def test_a_network_that_is_everybody_or_none_is_refused(said, networks, words):
    assert words in said("header", TRUSTED_PROXY_CIDRS=networks)[0]


@pytest.mark.parametrize("algorithm", ["HS256", "none", "rs256"])
def test_an_algorithm_that_shares_a_secret_is_refused(said, algorithm):
    assert f"PROXY_ALGORITHM is {algorithm}; it is one of RS256" in said("jwt", PROXY_ALGORITHM=algorithm)[0]


def test_keys_that_could_be_changed_on_the_way_are_refused(said):
    assert "has to begin with https://" in said("jwt", PROXY_JWKS_URL="http://gateway.example.com/keys")[0]


@pytest.mark.parametrize("kind", ["cloudflare", "alb", "verified-access", "pomerium", "header"])
def test_domains_of_google_hold_nobody_off_elsewhere(said, kind):
    assert "which does not say whose domain" in said(kind, SSO_DOMAINS=["example.com"])[0]
    assert said("iap", SSO_DOMAINS=["example.com"]) == []


def test_where_the_keys_of_aws_are_follows_from_the_arn(said, settings):
    said("verified-access")
    assert proxy().keys_url == "https://public-keys.prod.verified-access.eu-west-1.amazonaws.com"
    said("alb")
    assert proxy().keys_url == "https://public-keys.auth.elb.eu-west-1.amazonaws.com"


def test_two_ways_in_are_refused(said):
    assert "Keep one." in said("cloudflare", OIDC_ISSUER="https://login.example.com")[0]
    assert "stands in one" in said("jwt", OIDC_ISSUER="", PROXY_HEADER=["A", "B"])[0]
