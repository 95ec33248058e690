"""One person of the Close organisation: the numbers they are on, and all else that hangs on them."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from dashboard.access import VIEWER, allow
from dashboard.services import handover
from dashboard.views.number_query import people_of

# More numbers than this are looked at in the list.
MOST = 50


@allow(VIEWER)
@require_safe
def member_detail(request: Any, member_id: str) -> HttpResponse:
    """The page of a person, with what of it whoever asks may see; for ops admins the way to hand it over."""
    member = get_object_or_404(people_of(request.person), close_id=member_id)
    hanging = handover.hanging_on(member, request.person)
    context = {
        "member": member,
        "hanging": hanging,
        "numbers": hanging.numbers[:MOST],
        "forwarding": hanging.forwarding[:MOST],
    }
    return render(request, "people/member.html", context)
