"""Plans in words: what one asks for, what a state means, how long it takes."""

from datetime import timedelta

from django.utils import timezone

from dashboard.models import Connection, Outcome, Plan
from dashboard.models.credentials import Standing
from dashboard.services import holding
from dashboard.services.bulk_edit import BulkEdit
from dashboard.services.callpath import file_name
from dashboard.templatetags.changes import Mark
from dashboard.templatetags.ui import phone

STATES = {
    Plan.State.DRAFT: Mark("", "pencil", "Draft"),
    Plan.State.APPROVED: Mark("info", "clock", "Starts soon"),
    Plan.State.RUNNING: Mark("info", "player-play", "Running"),
    Plan.State.WAITING: Mark("warn", "hourglass", "Waiting"),
    Plan.State.PAUSED: Mark("warn", "player-pause", "Paused"),
    Plan.State.DONE: Mark("ok", "check", "Done"),
    Plan.State.CANCELLED: Mark("", "ban", "Cancelled"),
}
SCHEDULED = Mark("info", "calendar-time", "Scheduled")
# The last so many changes say how fast it goes.
LATELY = 20


def state(plan: Plan) -> Mark:
    """The state of a plan as icon and word."""
    if plan.state == Plan.State.APPROVED and plan.run_at and plan.run_at > timezone.now():
        return SCHEDULED
    return STATES[Plan.State(plan.state)]


def name_of(edit: BulkEdit, count: int) -> str:
    """What a bulk edit is called until somebody names it: "Change label and forwarding of 42 numbers"."""
    names = [title.lower() for title, _ in facts(edit)]
    what = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return f"Change {what} of {count:,} number{'' if count == 1 else 's'}"


def facts(edit: BulkEdit) -> list[tuple[str, str]]:
    """What a bulk edit asks for, field by field, as terms and words."""
    found = []
    if edit.label:
        says = {"set": f"“{edit.label_text}”", "clear": "none"}
        found.append(("Label", says.get(edit.label, f"“{edit.label_find}” becomes “{edit.label_text}”")))
    if edit.forwarding:
        to = phone(edit.target)
        says = {"to": f"on, to {to}", "on": "on, to the target it has", "off": "off"}
        found.append(("Forwarding", says.get(edit.forwarding, f"target {to}, on or off as it is")))
    if edit.press_1:
        found.append(("Press 1", edit.press_1))
    if edit.greeting:
        found.append(("Greeting", file_name(edit.greeting_url) if edit.greeting_url else "Close’s default"))
    if edit.ring is not None:
        found.append(("Ring duration", f"{edit.ring} s"))
    return found


def takes(count: int) -> str:
    """About how long so many changes take, by the limit that Close last told us of; "" while that is not known."""
    limit = Standing.objects.values_list("limit", flat=True).first()
    if not limit or not count:
        return ""
    # One GET and one PUT for each, each with a limit of its own for a second; a fifth of it is left to people.
    return roughly(timedelta(seconds=count / (0.8 * limit)))


def left_to_do(plan: Plan, left: int) -> str:
    """About how long a running plan still takes, as fast as it went lately; "" where that cannot be said."""
    if plan.state != Plan.State.RUNNING or not left:
        return ""
    ended = plan.changes.filter(finished_at__isnull=False).exclude(state=Outcome.LEFT_OUT).order_by("-finished_at")
    moments = list(ended.values_list("finished_at", flat=True)[:LATELY])
    if len(moments) < LATELY or (first := moments[-1]) is None:
        return ""
    return roughly((timezone.now() - first) / LATELY * left)


def roughly(time: timedelta) -> str:
    """A stretch of time as people say it: "less than a minute", "about 4 min", "about 2 h"."""
    minutes = round(time.total_seconds() / 60)
    if minutes < 1:
        return "less than a minute"
    return f"about {minutes} min" if minutes < 100 else f"about {round(minutes / 60)} h"


def why_held(plan: Plan, connection: Connection) -> str:
    """Why a plan that could run does not: a sentence, or ""."""
    if plan.state not in (Plan.State.APPROVED, Plan.State.WAITING) or not holding.is_held(plan, connection):
        return ""
    return f"{connection.held_why} It waits until an ops admin has looked at what is due."
