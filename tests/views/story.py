"""What tests of pages about changes share: making changes, and reading a page as a person does."""

import html
import re
from datetime import timedelta
from uuid import uuid4

from django.utils import timezone

from dashboard import access
from dashboard.models import Change, Outcome, PhoneNumber, Plan, Source
from dashboard.services import plans

from ..services.conftest import shown


def save(user, number, *, was=None, **after):
    """Change a number as this person would in an editor."""
    was = shown(number, *after) if was is None else was
    return plans.change_number(actor=access.person(user), number=number, after=after, was=was, intent=uuid4())


def happened(number, state, before, after, **facts):
    """A change that is in the record already; times are `minutes` ago."""
    at = timezone.now() - timedelta(minutes=facts.pop("minutes", 0))
    plan = Plan.objects.create(
        intent=uuid4(),
        source=facts.pop("source", Source.CLOSE if state == Outcome.OBSERVED else Source.INLINE),
        author=facts.pop("author", None),
        author_name=facts.pop("author_name", "" if state == Outcome.OBSERVED else "Nora Lind"),
        reason=facts.pop("reason", ""),
        organization_id=number.raw["organization_id"],
        digest="x",
        created_at=at,
    )
    return Change.objects.create(
        plan=plan, number=number, before=before, after=after, state=state, created_at=at, **facts
    )


def plain_number(*, groups=False):
    """A number that Close runs, with a label."""
    numbers = PhoneNumber.objects.filter(type="internal").exclude(label="").order_by("number")
    return numbers.filter(groups__isnull=not groups).first()


def in_and_out_of_scope(user):
    """A number that this person may change, and one that they may not even see."""
    person = access.person(user)
    seen = access.visible_numbers(person)
    return access.changeable_numbers(person).first(), PhoneNumber.objects.exclude(pk__in=seen).first()


def words(response):
    """The text of an answer as it is read, in one line."""
    page = response.content.decode() if hasattr(response, "content") else str(response)
    page = re.sub(r"<(script|style|head)\b.*?</\1>", " ", page, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def row_of(response, change):
    """The words of one change's row."""
    found = re.search(rf'<tr role="row" id="change-{change.pk}".*?</tr>', response.content.decode(), re.S)
    return words(found.group(0)) if found else None
