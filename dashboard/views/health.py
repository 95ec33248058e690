"""/healthz and /readyz, for whatever watches over the service."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from dashboard import access
from dashboard.access import ANYONE, allow
from dashboard.services import health


@allow(ANYONE)
@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """Alive: the process answers."""
    return HttpResponse("ok", content_type="text/plain")


@allow(ANYONE)
@require_GET
def readyz(request: HttpRequest) -> HttpResponse:
    """Ready: everything that has to hold does. Strangers read one word; ops admins and this machine the details."""
    facts = health.facts()
    ready = all(fact.good for fact in facts)
    status = 200 if ready else 503
    # Behind a proxy every request comes from this machine, so there only a sign-in tells who asks.
    from_here = request.META.get("REMOTE_ADDR") in ("127.0.0.1", "::1") and not settings.SECURE_PROXY_SSL_HEADER
    if from_here or access.person(request.user).is_ops_admin:
        details = {fact.name: {"good": fact.good, "words": fact.words} for fact in facts}
        return JsonResponse({"ready": ready, "details": details}, status=status)
    return HttpResponse("ok" if ready else "not ready", status=status, content_type="text/plain")
