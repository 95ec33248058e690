"""What each kind of identity-aware proxy sends, and everything that may be wrong with it."""

import base64
import json
import time

import jwt

from .issuer import CLIENT_ID, Key

ARN = "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/acme/1"
HEADERS = {
    "cloudflare": ("Cf-Access-Jwt-Assertion", "RS256"),
    "iap": ("X-Goog-Iap-Jwt-Assertion", "ES256"),
    "alb": ("X-Amzn-Oidc-Data", "ES256"),
    "verified-access": ("X-Amzn-Ava-User-Context", "ES384"),
    "pomerium": ("X-Pomerium-Jwt-Assertion", "ES256"),
    "jwt": ("X-Test-Assertion", "RS256"),
}
OF_AWS = ("alb", "verified-access")


class Gateway:
    """A proxy of one kind, whose keys are among those of `issuer`."""

    def __init__(self, kind, issuer):
        self.kind, self.issuer = kind, issuer
        self.header, self.algorithm = HEADERS[kind]
        self.key = next((key for key in issuer.keys if key.algorithm == self.algorithm), None)
        if self.key is None:
            self.key = Key(f"of-{self.algorithm}", self.algorithm)
            issuer.keys.append(self.key)
        self.name = {"iap": "https://cloud.google.com/iap", "pomerium": "phones.example.com"}.get(kind, issuer.url)
        self.audience = {"pomerium": "phones.example.com"}.get(kind, ARN if kind in OF_AWS else CLIENT_ID)

    @property
    def settings(self):
        """What has to be set beside it, by the names of the environment."""
        given = {"PROXY_AUTH": self.kind, "PROXY_ISSUER": self.name, "PROXY_AUDIENCE": self.audience}
        given["PROXY_JWKS_URL"] = f"{self.issuer.url}/pem" if self.kind in OF_AWS else f"{self.issuer.url}/keys"
        if self.kind == "cloudflare":
            # Where its keys are follows from its name.
            del given["PROXY_JWKS_URL"]
        if self.kind == "jwt":
            given |= {"PROXY_HEADER": self.header, "PROXY_ALGORITHM": self.algorithm}
        return given

    def parts(self, **changes):
        """Head and claims as they should be, with these changed, wherever this kind has them; None takes one away."""
        head = {"kid": self.key.kid}
        claims = self.issuer.claims(**{"iss": self.name, "aud": self.audience} | changes)
        if self.kind in OF_AWS:
            if "iat" not in changes:
                claims.pop("iat")
            for name, there in (("iss", "iss"), ("exp", "exp"), ("aud", "signer")):
                if name in claims:
                    head[there] = claims.pop(name)
        return head, claims

    def good(self, *, key=None, **changes):
        """An assertion as it should be, with these changed."""
        head, claims = self.parts(**changes)
        return (key or self.key).sign(claims, **head)

    def other(self, *, algorithm=None):
        """A key of somebody else."""
        return Key("other", algorithm or self.algorithm)

    def with_body(self, token, **changes):
        """This assertion with another body under its old signature."""
        head, body, signature = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(body + "=="))
        text = base64.urlsafe_b64encode(json.dumps(claims | changes).encode()).decode().rstrip("=")
        return f"{head}.{text}.{signature}"

    def weak(self, secret, algorithm):
        """An assertion without a signature, or with one that a shared secret makes."""
        head, claims = self.parts()
        return jwt.encode(claims, secret, algorithm, headers=head)

    def padded(self, **changes):
        """An assertion in the base64 that keeps its equals signs, which are signed too: as AWS makes it."""
        head, claims = self.parts(**changes)
        head |= {"typ": "JWT", "alg": self.algorithm}
        text = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()) for part in (head, claims))
        signature = jwt.get_algorithm_by_name(self.algorithm).sign(text, self.key.private)
        return (text + b"." + base64.urlsafe_b64encode(signature)).decode()


def _another_algorithm(gateway):
    return gateway.other(algorithm="ES256" if gateway.algorithm == "RS256" else "RS256")


FORGERIES = {
    "nothing": lambda gateway: None,
    "empty": lambda gateway: "",
    "not a token": lambda gateway: "marta@example.com",
    "unsigned": lambda gateway: gateway.weak(None, "none"),
    "shared secret": lambda gateway: gateway.weak("x" * 64, "HS256"),
    "another algorithm": lambda gateway: gateway.good(key=_another_algorithm(gateway)),
    "wrong key under a known name": lambda gateway: gateway.good(key=gateway.other()),
    "unknown key": lambda gateway: gateway.other().sign(
        gateway.parts()[1], **gateway.parts()[0] | {"kid": "unknown"}
    ),
    "changed": lambda gateway: gateway.with_body(gateway.good(), sub="somebody-else"),
    "doubled": lambda gateway: ",".join([gateway.good()] * 2),
    "wrong audience": lambda gateway: gateway.good(aud="another"),
    "no audience": lambda gateway: gateway.good(aud=None),
    "wrong issuer": lambda gateway: gateway.good(iss="https://evil.test"),
    "no issuer": lambda gateway: gateway.good(iss=None),
    "expired": lambda gateway: gateway.good(exp=int(time.time()) - 40),
    "no expiry": lambda gateway: gateway.good(exp=None),
    "from the future": lambda gateway: gateway.good(iat=int(time.time()) + 300),
    "not yet": lambda gateway: gateway.good(nbf=int(time.time()) + 300),
    "no subject": lambda gateway: gateway.good(sub=None),
    "empty subject": lambda gateway: gateway.good(sub=""),
    "two subjects": lambda gateway: gateway.good(sub="a,b"),
    "line end in the address": lambda gateway: gateway.good(email="a@b.example\nX: y"),
    "two addresses": lambda gateway: gateway.good(email="a@b.example,c@d.example"),
}
