"""One plan: a draft to look at, narrow and confirm; once approved, how far it has come and what became of it."""

from typing import Any

from django.db.models import Q
from django.http import Http404, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from dashboard import access, tasks
from dashboard.access import TEAM_LEAD, allow
from dashboard.context import connection_of
from dashboard.models import Drift, Hold, Outcome, Plan
from dashboard.services import approving, health, holdings, planning, plans, replanning
from dashboard.services import changes as record
from dashboard.services.bulk_edit import BulkEdit
from dashboard.templatetags.days import zone_words
from dashboard.views import downloads, fragments, plan_words
from dashboard.views.answers import status_of_refusal
from dashboard.views.plan_forms import ApproveForm
from dashboard.views.plan_rows import HEADER, NOT_CHANGED, as_lines, read_rows, seen_changes

TYPED = ("name", "reason", "when", "date", "time", "fold", "drift", "hold", "count")


def plan_of(request: Any, pk: int) -> Plan:
    """A plan of several numbers that this person may see; anything else is not there."""
    plan: Plan | None = access.visible_plans(request.person).filter(pk=pk).first()
    if plan is None:
        raise Http404
    return plan


@allow(TEAM_LEAD)
@require_http_methods(["GET", "HEAD", "POST"])
def plan_detail(request: Any, pk: int) -> HttpResponse:
    """The plan. POST says what it is for and when it runs; `do` is "approve", "save", or "enter" for the key.

    Enter in the field of the count approves; in any other field it only keeps what was typed.
    """
    plan = plan_of(request, pk)
    if request.method != "POST":
        return shown(request, plan)
    form = ApproveForm(request.POST)
    if not form.is_valid():
        return shown(request, plan, form=form, status=422)
    try:
        planning.describe(plan, request.person, name=form.cleaned_data["name"], reason=form.cleaned_data["reason"])
        do = request.POST.get("do")
        if do == "save" or (do == "enter" and not request.POST.get("count")):
            fragments.say(request, "Saved as a draft. Nothing has been sent to Close.")
            address = reverse("plan-list") if do == "save" else reverse("plan-detail", args=[pk])
            return HttpResponseRedirect(address, status=303)
        if holdings.in_draft(plan) and not form.cleaned_data["hold"]:
            form.add_error("hold", "Choose how long it shall hold where an absence holds it now.")
            return shown(request, plan, form=form, status=422)
        approving.approve(
            plan,
            request.person,
            digest=request.POST.get("digest", ""),
            typed=request.POST.get("count", ""),
            run_at=form.run_at,
            drift=form.cleaned_data["drift"] or Drift.LEAVE,
            hold=form.cleaned_data["hold"],
        )
    except approving.CountError as error:
        form.add_error(None, error.words)
        return shown(request, plan, form=form, status=422, wrong_count=error.words)
    except plans.NotAllowedError as error:
        return shown(request, plan, form=form, status=status_of_refusal(error), words=error.words)
    if plan.run_at is None:
        tasks.run_plans.enqueue()
    return HttpResponseRedirect(reverse("plan-detail", args=[plan.pk]), status=303)


def shown(
    request: Any,
    plan: Plan,
    *,
    form: ApproveForm | None = None,
    status: int = 200,
    words: str = "",
    wrong_count: str = "",
) -> HttpResponse:
    """The page of a plan as it is now, with what was typed and what is wrong with it."""
    plan = plan_of(request, plan.pk)
    draft = plan.state == Plan.State.DRAFT
    context = draft_context(request, plan, form) if draft else run_context(request, plan)
    context |= {"words": words, "wrong_count": wrong_count}
    return render(request, "plans/draft.html" if draft else "plans/run.html", context, status=status)


def refused(request: Any, plan: Plan, error: plans.NotAllowedError) -> HttpResponse:
    """Why it was not done, on the page of the plan as it is now."""
    status = status_of_refusal(error)
    if request.htmx:
        return fragments.plain_message(error.words, status=status)
    return shown(request, plan, words=error.words, status=status)


def draft_context(request: Any, plan: Plan, form: ApproveForm | None = None) -> dict[str, Any]:
    """All that the page of a draft says."""
    rows = read_rows(plan, request.person, request.GET)
    held = holdings.in_draft(plan)
    for change in (change for group in rows.groups for change in group["rows"]):
        change.held = held.get(change.pk)
    count, later = approving.to_change(plan).count(), approving.to_change(plan, later=True).count()
    nobody = approving.leaves_nobody(plan)
    typed = {"name": plan.name, "reason": plan.reason, "when": "now", "drift": Drift.LEAVE.value}
    if request.method == "POST":
        typed |= {name: request.POST[name] for name in TYPED if name in request.POST}
    return {
        **_about(request, plan),
        "rows": rows,
        "count": count,
        "later": later,
        "so_already": later - count,
        "others": plan.changes.count() - count,
        "digest": approving.digest(plan),
        "typed_now": nobody or approving.count_needed(request.person, count),
        "typed_later": nobody or approving.count_needed(request.person, later, at=form.run_at if form else None),
        "takes": plan_words.takes(count),
        "typed": typed,
        "errors": form.errors if form else {},
        "twice": [f"{moment:%H:%M %Z}" for moment in form.twice] if form else [],
        "zone": zone_words(),
        "today": timezone.localdate(),
        "drifts": Drift.choices,
        "held": len(held),
        "comparing": request.GET.get("comparing", "")[:10],
        "holds": Hold.choices,
    }


def run_context(request: Any, plan: Plan) -> dict[str, Any]:
    """All that the page of an approved plan says."""
    rows = read_rows(plan, request.person, request.GET)
    waiting, applied, failed = (rows.counts[name] for name in ("waiting", "applied", "failed"))
    cancelled = seen_changes(plan, request.person).filter(state=Outcome.LEFT_OUT, error_kind="cancelled").count()
    count = waiting + applied + failed + cancelled
    under_way = plan.state in (Plan.State.APPROVED, Plan.State.RUNNING, Plan.State.WAITING)
    stopped = plan.state in (Plan.State.PAUSED, Plan.State.DONE, Plan.State.CANCELLED)
    connection = connection_of(request)
    held = plan_words.why_held(plan, connection)
    return {
        **_about(request, plan),
        "rows": rows,
        "count": count,
        "waiting": waiting,
        "applied": applied,
        "failed": failed,
        "cancelled": cancelled,
        "done": applied + failed,
        "others": rows.total - count,
        "widths": [f"{100 * part / (count or 1):.2f}" for part in (applied, failed)],
        "left": plan_words.left_to_do(plan, waiting),
        "why_failed": _why_failed(plan, request.person) if failed else "",
        "polls": under_way and not (plan.run_at and plan.run_at > timezone.now()) and not held,
        "may_pause": under_way and waiting,
        "may_resume": plan.state in (Plan.State.PAUSED, Plan.State.WAITING),
        "may_cancel": (under_way or plan.state == Plan.State.PAUSED) and waiting,
        "may_retry": failed and plan.state in (Plan.State.DONE, Plan.State.CANCELLED),
        "may_put_back": applied and stopped,
        "silent": under_way and not health.worker_is_alive(connection),
        "held": held,
        "zone": zone_words(),
    }


def _about(request: Any, plan: Plan) -> dict[str, Any]:
    """What both pages say of a plan."""
    edit = BulkEdit.read(plan.asked)
    visible = access.visible_plans(request.person)
    related = visible.filter(Q(undoes=plan) | Q(retries=plan)).order_by("pk")
    return {
        "plan": plan,
        "title": replanning.title(plan),
        "mark": plan_words.state(plan),
        "facts": plan_words.facts(edit),
        "why_not": access.why_not_plan(request.person, plan),
        "related": [(other, replanning.title(other), plan_words.state(other)) for other in related],
        "came_from": visible.filter(pk__in=[plan.undoes_id or plan.retries_id or 0]).first(),
        "address": reverse("plan-detail", args=[plan.pk]),
    }


def _why_failed(plan: Plan, person: access.Person) -> str:
    """What was said of most of the failures."""
    failed = seen_changes(plan, person).filter(state__in=NOT_CHANGED).exclude(error="")
    words = list(failed.order_by().values_list("error", flat=True)[:200])
    return max(set(words), key=words.count) if words else ""


@allow(TEAM_LEAD)
@require_safe
def plan_progress(request: Any, pk: int) -> HttpResponse:
    """How far a plan has come: what its page asks for every two seconds while it runs."""
    plan = plan_of(request, pk)
    if plan.state == Plan.State.DRAFT:
        return HttpResponseRedirect(reverse("plan-detail", args=[pk]))
    context = run_context(request, plan)
    if plan.state == Plan.State.DONE:
        level, words = ("warn", f", {context['failed']:,} not.") if context["failed"] else ("ok", ".")
        fragments.say(request, f"The plan has ended: {context['applied']:,} changed{words}", level=level)
    return fragments.fragment(request, "plans/_run.html", context)


@allow(TEAM_LEAD)
@require_safe
def plan_export(request: Any, pk: int) -> StreamingHttpResponse:
    """All rows of a plan as a CSV file, a line for each field."""
    plan = plan_of(request, pk)
    rows = record.with_story(seen_changes(plan, request.person)).order_by("pk")
    return downloads.csv_file(f"plan-{plan.pk}", HEADER, as_lines(plan, rows.iterator(chunk_size=500)))
