"""Identity-aware proxies: what each kind sends, who signs it, and what has to be set for it.

https://developers.cloudflare.com/cloudflare-one/identity/authorization-cookie/validating-json/
https://cloud.google.com/iap/docs/signed-headers-howto
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html
https://docs.aws.amazon.com/verified-access/latest/ug/user-claims-passing.html
https://www.pomerium.com/docs/capabilities/getting-users-identity
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings

from dashboard.signin.tokens import ASYMMETRIC, is_safe

# Where signing out of the proxy itself begins, on its own host.
SIGN_OUT = {
    "cloudflare": "/cdn-cgi/access/logout",
    "iap": "/?gcp-iap-mode=CLEAR_LOGIN_COOKIE",
    "pomerium": "/.pomerium/sign_out",
}
# Whose assertions hold by their head, not by their claims.
OF_AWS = ("alb", "verified-access")
NEEDED = {
    "cloudflare": ("PROXY_ISSUER", "PROXY_AUDIENCE"),
    "iap": ("PROXY_AUDIENCE",),
    "alb": ("PROXY_ISSUER", "PROXY_AUDIENCE"),
    "verified-access": ("PROXY_ISSUER", "PROXY_AUDIENCE"),
    "pomerium": ("PROXY_ISSUER",),
    "jwt": ("PROXY_HEADER", "PROXY_ALGORITHM", "PROXY_ISSUER", "PROXY_AUDIENCE", "PROXY_JWKS_URL"),
    "header": ("PROXY_HEADER", "TRUSTED_PROXY_CIDRS"),
}
NAMES = ("PROXY_HEADER", "PROXY_ALGORITHM", "PROXY_ISSUER", "PROXY_AUDIENCE", "PROXY_JWKS_URL", "TRUSTED_PROXY_CIDRS")


@dataclass(frozen=True)
class Proxy:
    """The proxy in front. `headers` is the assertion's alone; for plain headers those of user, e-mail and groups."""

    kind: str
    headers: tuple[str, ...]
    algorithm: str = ""
    issuer: str = ""
    audience: str = ""
    keys_url: str = ""
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    @property
    def signs(self) -> bool:
        return self.kind != "header"


def proxy() -> Proxy:
    """The proxy of the settings, with what is known of its kind filled in."""
    kind, issuer = settings.PROXY_AUTH, settings.PROXY_ISSUER.rstrip("/")
    region = (settings.PROXY_AUDIENCE.split(":") + [""] * 4)[3]
    header, algorithm, keys_url = {
        "cloudflare": ("Cf-Access-Jwt-Assertion", "RS256", f"{issuer}/cdn-cgi/access/certs"),
        "iap": ("X-Goog-Iap-Jwt-Assertion", "ES256", "https://www.gstatic.com/iap/verify/public_key-jwk"),
        "alb": ("X-Amzn-Oidc-Data", "ES256", f"https://public-keys.auth.elb.{region}.amazonaws.com"),
        "verified-access": (
            "X-Amzn-Ava-User-Context",
            "ES384",
            f"https://public-keys.prod.verified-access.{region}.amazonaws.com",
        ),
        "pomerium": ("X-Pomerium-Jwt-Assertion", "ES256", f"https://{issuer}/.well-known/pomerium/jwks.json"),
    }.get(kind, ("", "", ""))
    return Proxy(
        kind=kind,
        headers=tuple(settings.PROXY_HEADER) or (header,),
        algorithm=settings.PROXY_ALGORITHM or algorithm,
        issuer=settings.PROXY_ISSUER or ("https://cloud.google.com/iap" if kind == "iap" else ""),
        audience=settings.PROXY_AUDIENCE or (settings.PROXY_ISSUER if kind == "pomerium" else ""),
        keys_url=settings.PROXY_JWKS_URL or keys_url,
        networks=tuple(ipaddress.ip_network(text) for text in settings.TRUSTED_PROXY_CIDRS),
    )


def problems() -> Iterator[str]:
    """What is wrong with the settings of the proxy, in sentences."""
    kind = settings.PROXY_AUTH
    given = [name for name in NAMES if getattr(settings, name)]
    if kind == "off":
        if given:
            yield f"{' and '.join(given)} without PROXY_AUTH. Set PROXY_AUTH to the kind of proxy, or take it out."
        return
    if missing := [name for name in NEEDED[kind] if name not in given]:
        yield f"PROXY_AUTH is {kind}, which lacks {' and '.join(missing)}."
        return
    if settings.OIDC_ISSUER:
        yield "PROXY_AUTH and OIDC_ISSUER are both set, and a proxy is the only way in where there is one. Keep one."
    if settings.SSO_DOMAINS and kind not in ("iap", "jwt"):
        yield f"SSO_DOMAINS is for Google, and PROXY_AUTH is {kind}, which does not say whose domain somebody is of."
    yield from _problems_of_networks()
    if kind == "header":
        if len(settings.PROXY_HEADER) > 3:
            yield "PROXY_HEADER names more than three headers; they are those of user, e-mail and groups."
        return
    found = proxy()
    if found.algorithm not in ASYMMETRIC:
        yield f"PROXY_ALGORITHM is {found.algorithm}; it is one of {', '.join(ASYMMETRIC)}."
    if len(found.headers) != 1:
        yield "PROXY_HEADER names several headers; an assertion stands in one."
    if not is_safe(found.keys_url):
        yield f"The keys would be fetched from {found.keys_url}; that has to begin with https://."


def _problems_of_networks() -> Iterator[str]:
    for text in settings.TRUSTED_PROXY_CIDRS:
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            yield f"TRUSTED_PROXY_CIDRS has “{text}”, which is no network. Write one like 10.0.3.0/28."
            continue
        if network.prefixlen == 0:
            yield f"TRUSTED_PROXY_CIDRS has {text}, which is everybody. Name the proxy's own addresses."
