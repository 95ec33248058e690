"""Who signs in, from where, with which roles: company accounts, proxies, frames."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.db import DatabaseError

from dashboard.checks.registering import Messages, check
from dashboard.signin import frames, proxies, roles, saml_settings
from dashboard.signin.tokens import is_loopback


@check("E007")
def roles_can_be_given() -> Messages:
    """A line of the map that cannot be would silently give nobody a role."""
    for group, text in settings.SSO_ROLE_MAP.items():
        try:
            roles.rule_of(group, text)
        except ValueError as error:
            yield checks.Error(str(error))
    if settings.MANUAL_ROLES == "off" and not settings.SSO_ROLE_MAP:
        yield checks.Error(
            "MANUAL_ROLES is off and SSO_ROLE_MAP is not set, so nobody but superusers could have a role.",
            hint="Set SSO_ROLE_MAP, or leave MANUAL_ROLES out.",
        )


@check("E008")
def company_account_is_whole() -> Messages:
    """Half of OpenID Connect would show a button that cannot work, or trust an issuer that anybody can play."""
    names = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")
    missing = [name for name in names if not getattr(settings, name)]
    if missing and len(missing) < len(names):
        yield checks.Error(
            f"Sign-in with the company account lacks {' and '.join(missing)}.",
            hint=f"Set {', '.join(names)}, or none of them.",
        )
    issuer = urlsplit(settings.OIDC_ISSUER)
    if settings.OIDC_ISSUER and not ((issuer.scheme == "https" and issuer.hostname) or is_loopback(issuer.geturl())):
        yield checks.Error(
            f"OIDC_ISSUER is {settings.OIDC_ISSUER}; it has to begin with https://, or point at this machine."
        )
    if issuer.hostname == "login.microsoftonline.com" and issuer.path.split("/")[1:2] in (
        ["common"],
        ["organizations"],
        ["consumers"],
    ):
        yield checks.Error(
            f"OIDC_ISSUER is {settings.OIDC_ISSUER}, which lets people of every company in.",
            hint="Put your tenant's id in its place: https://login.microsoftonline.com/TENANT/v2.0.",
        )
    if issuer.hostname == "accounts.google.com" and not settings.SSO_DOMAINS:
        yield checks.Error(
            "OIDC_ISSUER is Google, which lets everybody in who has an account there.",
            hint="Set SSO_DOMAINS to the domains of your Google Workspace, like example.com.",
        )
    if settings.SSO_DOMAINS and not settings.OIDC_ISSUER and settings.PROXY_AUTH == "off":
        yield checks.Error(
            "SSO_DOMAINS is set, and there is no company account that it could hold.",
            hint="Set OIDC_ISSUER with what belongs to it, or take SSO_DOMAINS out.",
        )


@check("E009")
def somebody_can_sign_in() -> Messages:
    """Without passwords and without another way in, the door is shut for good."""
    ways = (settings.OIDC_ISSUER, settings.SAML_METADATA, settings.PROXY_AUTH != "off")
    if settings.LOCAL_LOGIN == "off" and not any(ways):
        yield checks.Error(
            "LOCAL_LOGIN is off and there is no other way to sign in.",
            hint="Set OIDC_ISSUER with what belongs to it or SAML_METADATA, or leave LOCAL_LOGIN out.",
        )


@check("E010")
def proxy_is_whole() -> Messages:
    """Half a proxy would believe what anybody can write into a header."""
    for words in proxies.problems():
        yield checks.Error(words)


@check("E015")
def saml_is_whole() -> Messages:
    """Half of SAML would show a button that cannot work."""
    for words in saml_settings.problems():
        yield checks.Error(words)


@check("E011")
def frames_are_named() -> Messages:
    """A page of ours in anybody's frame can be clicked by somebody who believes to click something else."""
    for words in frames.problems():
        yield checks.Error(words)


@check("W002", deploy=True)
def teams_of_the_map_exist() -> Messages:
    """A team that Close does not have gives nothing; whoever wrote the map wants to know."""
    try:
        unknown = roles.unknown_teams()
    except (DatabaseError, ValueError):
        return
    if unknown:
        yield checks.Warning(
            f"SSO_ROLE_MAP names teams that Close does not have: {', '.join(unknown)}. They give nothing.",
            hint="Names are compared letter by letter. On a new database, read Close once first (sync_numbers).",
        )
