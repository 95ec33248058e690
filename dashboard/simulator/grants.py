"""Close's side of OAuth: the page that asks, codes, tokens that end, refresh tokens that are good for one use.

https://developer.close.com/api/overview/oauth-authentication. A refresh ends the access token that went with it as
well: whether Close does so is not documented, and a client has to live with it.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from threading import Lock
from urllib.parse import parse_qsl, urlencode, urlsplit

from .organisation import Organisation
from .web import Answer, Call, Json, error, says

LIFETIME = 3600.0
SCOPE = "all.full_access offline_access"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Allow access · simulated Close</title>
<link rel="icon" href="data:,"></head>
<body><main><h1>{organisation}</h1>
<p>{client} asks for full access to {organisation}, as {person}.</p>
<form method="post" action="/oauth2/authorize/?{query}">
<button name="decision" value="allow">Allow access</button>
<button name="decision" value="deny">Deny</button>
</form></main></body></html>
"""


@dataclass
class Grant:
    """What one person has allowed one application; `codes` and tokens are those that are good now."""

    client_id: str
    code: str = ""
    access_token: str = ""
    ends_at: float = 0.0
    refresh_token: str = ""


@dataclass
class Grants:
    """All grants. `clients` are the applications that are known: their ids with their secrets."""

    organisation: Organisation
    clients: Mapping[str, str]
    lifetime: float = LIFETIME
    grants: list[Grant] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def answer(self, call: Call) -> Answer:
        """Answer a call below `/oauth2/`."""
        match call.method, call.path:
            case "GET", "/oauth2/authorize/":
                return self._ask(call)
            case "POST", "/oauth2/authorize/":
                return self._decide(call)
            case "POST", "/oauth2/token/":
                return self._token(_form(call))
            case "POST", "/oauth2/revoke/":
                return self._revoke(_form(call))
        return error(404, "Not Found")

    def access_tokens(self) -> set[str]:
        """The access tokens that are good now."""
        now = time.time()
        with self.lock:
            return {grant.access_token for grant in self.grants if grant.access_token and now < grant.ends_at}

    def end_access_tokens(self) -> None:
        """Let every access token end now; the refresh tokens stay good."""
        with self.lock:
            for grant in self.grants:
                grant.ends_at = 0.0

    def forget(self) -> None:
        """Take back everything that was allowed."""
        with self.lock:
            self.grants.clear()

    def _ask(self, call: Call) -> Answer:
        if refused := self._wrong_question(call):
            return refused
        me = self.organisation.me
        page = PAGE.format(
            organisation=escape(self.organisation.name),
            client=escape(call.query["client_id"]),
            person=escape(f"{me['first_name']} {me['last_name']}"),
            query=escape(urlencode(call.query)),
        )
        return Answer(200, page.encode(), {"X-Frame-Options": "DENY"}, "text/html; charset=utf-8")

    def _decide(self, call: Call) -> Answer:
        if refused := self._wrong_question(call):
            return refused
        back = {"state": call.query["state"]} if "state" in call.query else {}
        if _form(call).get("decision") == "allow":
            grant = Grant(call.query["client_id"], code=_new("code"))
            with self.lock:
                self.grants.append(grant)
            back["code"] = grant.code
        else:
            back["error"] = "access_denied"
        return Answer(302, b"", {"Location": f"{call.query['redirect_uri']}?{urlencode(back)}"})

    def _wrong_question(self, call: Call) -> Answer | None:
        if call.query.get("client_id") not in self.clients:
            return error(400, "Unknown client_id.")
        if call.query.get("response_type") != "code":
            return error(400, "response_type must be code.")
        if urlsplit(call.query.get("redirect_uri", "")).hostname not in LOOPBACK:
            return error(400, "redirect_uri must point at this machine.")
        return None

    def _token(self, form: Json) -> Answer:
        if refused := self._wrong_client(form):
            return refused
        kind = form.get("grant_type")
        if kind not in ("authorization_code", "refresh_token"):
            return error(400, "unsupported_grant_type")
        name = "code" if kind == "authorization_code" else "refresh_token"
        with self.lock:
            grant = self._find(form, name)
            if grant is None:
                return error(400, "invalid_grant")
            grant.code = ""
            grant.access_token, grant.refresh_token = _new("access"), _new("refresh")
            grant.ends_at = time.time() + self.lifetime
        return says(
            200,
            {
                "token_type": "Bearer",
                "access_token": grant.access_token,
                "expires_in": int(self.lifetime),
                "refresh_token": grant.refresh_token,
                "scope": SCOPE,
                "organization_id": self.organisation.id,
                "user_id": self.organisation.me["id"],
            },
        )

    def _revoke(self, form: Json) -> Answer:
        if refused := self._wrong_client(form):
            return refused
        with self.lock:
            if grant := self._find(form | {"refresh_token": form.get("token")}, "refresh_token"):
                self.grants.remove(grant)
        return says(200, {})

    def _find(self, form: Json, name: str) -> Grant | None:
        return next(
            (
                grant
                for grant in self.grants
                if grant.client_id == form["client_id"]
                and getattr(grant, name)
                and getattr(grant, name) == form.get(name)
            ),
            None,
        )

    def _wrong_client(self, form: Json) -> Answer | None:
        known = self.clients.get(form.get("client_id", ""))
        return None if known and known == form.get("client_secret") else error(401, "invalid_client")


def _form(call: Call) -> Json:
    return dict(parse_qsl(call.body.decode(errors="replace")))


def _new(kind: str) -> str:
    return f"{kind}_{secrets.token_urlsafe(24)}"
