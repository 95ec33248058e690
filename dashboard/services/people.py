"""Accounts, roles and teams: who may come in, and what they may do.

Rules that hold whoever asks: nobody changes their own role, the last ops admin stays, a superuser is an ops admin for
good, and a role from the company account is changed there and nowhere else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from dashboard import access
from dashboard.models import Absence, Access, Group, Kind, Notice, Occurrence, Plan, Role, Session
from dashboard.services import events, notices, running

# Beside roles from the company account, one by hand is an exception, and exceptions end.
BY_HAND_DAYS = 90


class RefusedError(Exception):
    """It was not done: `words` says why."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


@dataclass(frozen=True)
class Scope:
    """Which numbers a role reaches: all of them, or those of some teams (keys of groups)."""

    all_numbers: bool = False
    team_ids: tuple[int, ...] = ()


@transaction.atomic
def give_role(*, actor: access.Person, user: Any, role: str, scope: Scope, until: date | None = None) -> None:
    """Give `user` this role and scope in place of what they had; raises RefusedError.

    `until` is the last day of it. Without one it does not end, unless roles come from the company account: then it
    ends after BY_HAND_DAYS.
    """
    _refuse_if_not_allowed(actor, user)
    _refuse_if_from_company(user)
    until = until or default_end()
    if until and until < Access.today():
        raise RefusedError("The last day of a role cannot have passed. Choose today or a later day.")
    if role not in Role.values:
        raise RefusedError("Choose one of the roles.")
    teams = list(Group.objects.filter(pk__in=scope.team_ids))
    all_numbers = scope.all_numbers or role == Role.OPS_ADMIN
    if not all_numbers and not teams:
        raise RefusedError("Choose at least one team, or all numbers.")
    if role != Role.OPS_ADMIN:
        _refuse_if_last(user)
    given, _ = Access.objects.update_or_create(
        user=user,
        defaults={
            "role": role,
            "all_numbers": all_numbers,
            "given_by": actor.name,
            "given_at": timezone.now(),
            "ends_on": until,
        },
    )
    given.teams.set([] if all_numbers else teams)
    events.note(Kind.ROLE_GIVEN, actor=actor, about=access.name_of(user), words=_in_words(given, teams))


def _in_words(given: Access, teams: Iterable[Group]) -> str:
    """A role as the history has it: "Team lead for DACH, EMEA, until 2027-02-25."."""
    scope = "all numbers" if given.all_numbers else ", ".join(sorted(team.name for team in teams))
    until = f", until {given.ends_on}" if given.ends_on else ""
    return f"{Role(given.role).label} for {scope}{until}."


@transaction.atomic
def take_role(*, actor: access.Person, user: Any) -> None:
    """Take the role of `user` away; the account stays and sees nothing. Raises RefusedError."""
    _refuse_if_not_allowed(actor, user)
    _refuse_if_from_company(user)
    _refuse_if_last(user)
    Access.objects.filter(user=user).delete()
    events.note(Kind.ROLE_TAKEN, actor=actor, about=access.name_of(user))


@transaction.atomic
def set_active(*, actor: access.Person, user: Any, active: bool) -> None:
    """Let `user` sign in or not. Raises RefusedError.

    Who is deactivated is out at the next request; their plans are paused, and ops admins told of what they leave.
    """
    _refuse_if_not_allowed(actor, user)
    if not active:
        _refuse_if_last(user)
    user.is_active = active
    user.save(update_fields=["is_active"])
    if not active:
        Session.objects.filter(account=user).delete()
        _stop_what_is_to_come(user)
    words = "May sign in again." if active else "Deactivated."
    events.note(Kind.ACCOUNT, actor=actor, about=access.name_of(user), words=words)


def _stop_what_is_to_come(user: Any) -> None:
    name = access.name_of(user)
    why = (
        f"{name} was deactivated, so nothing of it is sent. Cancel it and plan anew what is still right, "
        "or activate them and let it go on."
    )
    plans = running.pause_all(Plan.objects.filter(author=user), why)
    if plans:
        page = reverse("plan-detail", args=[plans[0].pk]) if len(plans) == 1 else reverse("plan-list")
        those = "1 plan of theirs is" if len(plans) == 1 else f"{len(plans)} plans of theirs are"
        words = f"{name} was deactivated. {those} paused until somebody decides."
        notices.tell_ops_admins(Notice.Kind.SYSTEM, words, page)
    coming = Occurrence.objects.filter(state=Occurrence.State.COMING)
    absences = Absence.objects.filter(author=user, stopped_at__isnull=True, pk__in=coming.values("absence"))
    if absences:
        page = reverse("absence-detail", args=[absences[0].pk]) if len(absences) == 1 else reverse("absence-list")
        those = "1 absence of theirs is" if len(absences) == 1 else f"{len(absences)} absences of theirs are"
        words = (
            f"{name} was deactivated. {those} still to come, and nothing of it will be sent. "
            "What is on goes back at its time."
        )
        notices.tell_ops_admins(Notice.Kind.SYSTEM, words, page)


@transaction.atomic
def end_sessions(*, actor: access.Person, user: Any, but: str | None = None) -> int:
    """Sign `user` out everywhere but in the session with this key; how many have ended. Raises RefusedError.

    Everybody may end their own, and ops admins anybody's.
    """
    if not actor.is_ops_admin and actor.user.pk != user.pk:
        raise RefusedError("Only ops admins end the sessions of others.")
    ended, _ = Session.objects.filter(account=user, expire_date__gt=timezone.now()).exclude(pk=but).delete()
    if ended:
        words = f"{ended} session{'' if ended == 1 else 's'}, by hand."
        events.note(Kind.ENDED, actor=actor, about=access.name_of(user), words=words)
    return ended


@transaction.atomic
def take_codes(*, actor: access.Person, user: Any) -> None:
    """Take away the two-step codes of `user`, whose phone is lost, and end their sessions. Raises RefusedError."""
    if not actor.is_ops_admin or actor.user.pk == user.pk:
        raise RefusedError("Another ops admin takes your codes away.")
    Authenticator.objects.filter(user=user).delete()
    end_sessions(actor=actor, user=user)
    events.note(Kind.TWO_STEP, actor=actor, about=access.name_of(user), words="Taken away.")


@transaction.atomic
def create_account(
    *, actor: access.Person, email: str, name: str, password: str, role: str, scope: Scope, until: date | None = None
) -> Any:
    """Make a local account with a role; returns the user. The e-mail address is the login. Raises RefusedError."""
    if not actor.is_ops_admin:
        raise RefusedError("Only ops admins give access.")
    if settings.MANUAL_ROLES == "off":
        raise RefusedError(access.NOT_BY_HAND)
    people = get_user_model()._default_manager
    if people.filter(username__iexact=email).exists() or people.filter(email__iexact=email).exists():
        raise RefusedError("There is an account with this address already. Give it a role in the list.")
    first, _, last = name.partition(" ")
    try:
        with transaction.atomic():
            user = get_user_model().objects.create_user(
                username=email, email=email, password=password, first_name=first, last_name=last
            )
    except IntegrityError:
        raise RefusedError("There is an account with this address already. Give it a role in the list.") from None
    events.note(Kind.ACCOUNT, actor=actor, about=access.name_of(user), words=f"Made, for {email}.")
    give_role(actor=actor, user=user, role=role, scope=scope, until=until)
    return user


def default_end() -> date | None:
    """The last day of a role given by hand now, where nobody chooses one; None where such roles do not end."""
    return Access.today() + timedelta(days=BY_HAND_DAYS) if settings.SSO_ROLE_MAP else None


def numbers_changeable_by(people: Iterable[access.Person]) -> dict[Any, int]:
    """How many numbers each of these people may change, by key of the account; each scope is counted once."""
    counted: dict[tuple[bool, tuple[int, ...]], int] = {}
    counts = {}
    for person in people:
        if not person.may_change_something:
            counts[person.user.pk] = 0
            continue
        scope = (person.all_numbers, () if person.all_numbers else person.team_ids)
        if scope not in counted:
            counted[scope] = access.changeable_numbers(person).count()
        counts[person.user.pk] = counted[scope]
    return counts


def _refuse_if_not_allowed(actor: access.Person, user: Any) -> None:
    if words := access.may_look_after_access(actor, user):
        raise RefusedError(words)


def _refuse_if_from_company(user: Any) -> None:
    if words := access.why_not_by_hand(user):
        raise RefusedError(words)


def _refuse_if_last(user: Any) -> None:
    """Two admins who demote each other at the same moment wait for one another here."""
    list(Access.objects.select_for_update().filter(role=Role.OPS_ADMIN).values_list("pk", flat=True))
    admins = set(access.ops_admins().values_list("pk", flat=True))
    if admins == {user.pk}:
        raise RefusedError("This is the last ops admin. Make somebody else one first.")
