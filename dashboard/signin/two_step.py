"""Two-step codes (TOTP) for those who sign in with a password: django-allauth's, with pages of ours.

With `LOCAL_TWO_STEP` an ops admin who has none yet sets them up before the sign-in ends. Whoever has lost the phone
uses a recovery code, or another ops admin takes the codes away on the page People.
https://www.rfc-editor.org/rfc/rfc6238
"""

import base64
import logging
from typing import Any

from allauth.account.internal.decorators import login_stage_required
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.stages import LoginStage
from allauth.core.internal.httpkit import headed_redirect_response
from allauth.mfa import app_settings
from allauth.mfa.adapter import DefaultMFAAdapter, get_adapter
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import TOTP, clear_totp_secret
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from dashboard import access
from dashboard.access import ANYONE, SIGNED_IN, allow, name_of
from dashboard.models import Kind
from dashboard.models.credentials import WRONG_FIELD_KEYS, code_cipher
from dashboard.signin import sessions

log = logging.getLogger(__name__)

WAY = "password and code"
UNREADABLE = "Codes cannot be checked now. Nothing is wrong with yours: tell the person who runs closephones."
# Where the person wanted to go, while they look at their recovery codes.
ONWARD = "two_step_onward"


class Adapter(DefaultMFAAdapter):
    """What the app on the phone shows, and what is said of a wrong code."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "This code is not right, or was used already. Wait for the next one and type that.",
    }

    def get_totp_issuer(self) -> str:
        return "closephones"

    def encrypt(self, text: str) -> str:
        return code_cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return code_cipher().decrypt(encrypted_text).decode()
        except InvalidToken:
            log.error("two-step codes cannot be checked: %s", WRONG_FIELD_KEYS)
            raise ValidationError(UNREADABLE) from None


class CodeView(AuthenticateView):
    """The second step of signing in: the code of the app, or a recovery code."""

    template_name = "account/code.html"

    def form_invalid(self, form: Any) -> HttpResponse:
        sessions.refused(self.request, way=WAY, words="Wrong code.", about=name_of(self.stage.login.user))
        response: HttpResponse = super().form_invalid(form)
        response.status_code = 422
        return response


class SetUpStage(LoginStage):
    """The step of signing in that comes instead where codes are asked for and there are none yet."""

    key = "two_step_set_up"
    urlname = "two-step-set-up"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        user = self.login.user
        if not needed_by(self.request, user) or get_adapter().is_mfa_enabled(user):
            return None, True
        return headed_redirect_response(self.urlname), True


def needed_by(request: HttpRequest, user: Any) -> bool:
    """Whether this person, who is signing in, may do so only with a code."""
    if settings.LOCAL_TWO_STEP == "off" or not access.person(user).is_ops_admin:
        return False
    return any(entry["method"] == "password" for entry in get_authentication_records(request, user))


# allauth's decorator hands over the sign-in that is under way; without one it leads back to the sign-in page.
@allow(ANYONE)
@require_http_methods(["GET", "HEAD", "POST"])
@login_stage_required(stage=SetUpStage.key, redirect_urlname="account_login")  # type: ignore[untyped-decorator]
def set_up(request: Any) -> HttpResponse:
    """Take the key into an app on the phone, and prove it by a code; then the sign-in goes on."""
    user = request._login_stage.login.user
    form = ActivateTOTPForm(request.POST if request.method == "POST" else None, user=user)
    if not form.is_valid():
        adapter = get_adapter()
        picture = adapter.build_totp_svg(adapter.build_totp_url(user, form.secret))
        context = {
            "form": form,
            "secret": form.secret,
            "picture": f"data:image/svg+xml;base64,{base64.b64encode(picture.encode()).decode()}",
        }
        return render(request, "account/set_up.html", context, status=422 if form.is_bound else 200)
    with transaction.atomic():
        totp = TOTP.activate(user, form.secret)
        RecoveryCodes.activate(user)
    clear_totp_secret(request)
    post_authentication(request, totp.instance)
    response: HttpResponse = request._login_stage.exit()
    sessions.note(request, Kind.TWO_STEP, about=name_of(user), words="Set up.")
    request.session[ONWARD] = response["Location"]
    return HttpResponseRedirect(reverse("two-step-codes"), status=303)


@allow(SIGNED_IN)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def codes(request: Any) -> HttpResponse:
    """The recovery codes, shown until the person says that they keep them."""
    stored = Authenticator.objects.filter(user=request.user, type=Authenticator.Type.RECOVERY_CODES).first()
    onward = request.session.get(ONWARD) or reverse("settings")
    recovery = RecoveryCodes(stored) if stored else None
    if recovery is None or recovery.did_view:
        return HttpResponseRedirect(onward)
    if request.method != "POST":
        return render(request, "account/codes.html", {"codes": recovery.get_unused_codes()})
    recovery.mark_as_viewed()
    request.session.pop(ONWARD, None)
    return HttpResponseRedirect(onward, status=303)


@allow(SIGNED_IN)
@require_POST
def renew(request: Any) -> HttpResponse:
    """Against a code, make new recovery codes, or take all codes away for a new phone (`do` is phone)."""
    form = AuthenticateForm(request.POST, user=request.user)
    if not form.is_valid():
        sessions.refused(request, way=WAY, words="Wrong code.", about=name_of(request.user))
        messages.add_message(request, messages.INFO, form.errors["code"][0], extra_tags='{"level": "bad"}')
        return HttpResponseRedirect(reverse("settings"), status=303)
    mine = Authenticator.objects.filter(user=request.user)
    if request.POST.get("do") != "phone":
        mine.filter(type=Authenticator.Type.RECOVERY_CODES).delete()
        RecoveryCodes.activate(request.user)
        sessions.note(request, Kind.TWO_STEP, about=name_of(request.user), words="New recovery codes.")
        return HttpResponseRedirect(reverse("two-step-codes"), status=303)
    mine.delete()
    sessions.note(request, Kind.TWO_STEP, about=name_of(request.user), words="Taken away, for another phone.")
    sessions.end(request, Kind.SIGNED_OUT)
    return HttpResponseRedirect(reverse("account_login"), status=303)


def state_of(user: Any) -> dict[str, Any] | None:
    """Since when this person has codes, and how many recovery codes are left; None without."""
    found = {entry.type: entry for entry in Authenticator.objects.filter(user=user)}
    totp, recovery = found.get(Authenticator.Type.TOTP), found.get(Authenticator.Type.RECOVERY_CODES)
    if totp is None:
        return None
    used = recovery.data["used_mask"].bit_count() if recovery else app_settings.RECOVERY_CODE_COUNT
    return {"since": totp.created_at, "left": app_settings.RECOVERY_CODE_COUNT - used}
