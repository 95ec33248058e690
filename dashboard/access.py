"""What may this person see and change. Every rule about it stands in this file (design: who may do what).

Everything is denied unless a rule allows it: a view without a rule (`@allow`) is an error at the first request,
and whoever has no role sees a page that says so.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Exists, OuterRef, Q

from dashboard.models import (
    Absence,
    Access,
    Calendar,
    Change,
    ClaimedRole,
    Connection,
    Group,
    Import,
    Member,
    PhoneNumber,
    PhoneNumberQuerySet,
    Plan,
    Role,
    SavedView,
)
from dashboard.models.people import MAY_BE_ACTIVE

# The rules a view can state, from the widest to the narrowest.
ANYONE = "anyone"
SIGNED_IN = "signed_in"
VIEWER = Role.VIEWER.value
TEAM_LEAD = Role.TEAM_LEAD.value
OPS_ADMIN = Role.OPS_ADMIN.value
RULES = (ANYONE, SIGNED_IN, VIEWER, TEAM_LEAD, OPS_ADMIN)

# Close lets whoever is the only member of a number change these without its permission for team numbers.
OWN_NUMBER_FIELDS = {"label", "voicemail_greeting_url", "forward_to", "forward_to_enabled"}
MEMBER_FIELDS = {"participants", "participant_groups"}

MAY_ONLY_LOOK = "You may look at this number, not change it. Ask an ops admin if you need to."
GONE = "This number is gone from Close, so it cannot be changed any more."
BEYOND_TEAMS = "This number also belongs to people or groups outside your teams. Ask an ops admin to change it."
FROM_COMPANY = "This role comes from the company account. Whoever looks after its groups there changes it."
FOR_GOOD = "A superuser is an ops admin for good. Whoever runs closephones changes that."
DEMO = "@demo.test"
NOT_BY_HAND = "Roles come from the company account alone here, so none is given by hand."

View = TypeVar("View", bound=Callable[..., Any])


def allow(rule: str) -> Callable[[View], View]:
    """State who may call a view: one of RULES. The middleware reads it and refuses everybody else."""
    if rule not in RULES:
        raise ValueError(f"{rule} is not a rule.")

    def state(view: View) -> View:
        view.access_rule = rule  # type: ignore[attr-defined]
        return view

    return state


def not_for(rule: str) -> str:
    """What somebody reads whose role is below this rule."""
    if rule == TEAM_LEAD:
        return "This is for team leads and ops admins. Ask an ops admin if you need it."
    return "This is for ops admins. Ask one of them if you need it."


@dataclass(frozen=True)
class Person:
    """A signed-in person with what they may do: `role` is None for somebody without one.

    `way` and `address`: how they signed in and from where, as far as a request says it; for the history.
    """

    user: User | AnonymousUser
    role: str | None = None
    all_numbers: bool = False
    team_ids: tuple[int, ...] = ()
    way: str = ""
    address: str = ""

    @property
    def name(self) -> str:
        return name_of(self.user)

    @property
    def is_ops_admin(self) -> bool:
        return self.role == OPS_ADMIN

    @property
    def may_change_something(self) -> bool:
        return self.role in (TEAM_LEAD, OPS_ADMIN)

    def meets(self, rule: str) -> bool:
        """Whether this person meets a view's rule."""
        if rule == ANYONE:
            return True
        if not self.user.is_authenticated:
            return False
        if rule == SIGNED_IN:
            return True
        return self.role is not None and RULES.index(self.role) >= RULES.index(rule)


def name_of(user: Any) -> str:
    """A person's name for the record and the screen."""
    if not user or not user.is_authenticated:
        return ""
    return str(user.get_full_name() or user.get_username())


def demo_account(user: Any) -> bool:
    """Whether this account was made for the demo; such accounts work only beside a simulated Close."""
    return str(getattr(user, "email", "")).endswith(DEMO)


def person(user: Any) -> Person:
    """Look up what this user may do, as of now. A superuser is an ops admin."""
    if not user or not user.is_authenticated or not user.is_active:
        return Person(AnonymousUser())
    if demo_account(user) and not settings.CLOSE_IS_LOOPBACK:
        return Person(user)
    if user.is_superuser:
        return Person(user, role=OPS_ADMIN, all_numbers=True)
    given = claimed_role(user) or role_by_hand(user)
    if given is None:
        return Person(user)
    if given.role == OPS_ADMIN or given.all_numbers:
        return Person(user, role=given.role, all_numbers=True)
    # Not `values_list`: the page People has read the teams of everybody at once.
    teams = tuple(sorted(team.pk for team in given.teams.all()))
    return Person(user, role=given.role, team_ids=teams)


def claimed_role(user: Any) -> ClaimedRole | None:
    """The role that the company account gives this person; where there is one, it alone counts."""
    claimed = getattr(user, "claimed", None) if settings.SSO_ROLE_MAP else None
    return claimed if claimed and claimed.role else None


def role_by_hand(user: Any) -> Access | None:
    """The role that an ops admin gave this person, unless it has ended or such roles are forbidden."""
    given = getattr(user, "access", None)
    if settings.MANUAL_ROLES == "off" or given is None:
        return None
    return given if given.lasts() else None


def person_by_id(user_id: int | None) -> Person:
    """Look up what the user with this key may do, as of now; nothing where there is none."""
    return person(get_user_model().objects.select_related("access", "claimed").filter(pk=user_id or 0).first())


def visible_numbers(person: Person) -> PhoneNumberQuerySet:
    """The numbers this person may see: those where one of their teams is in scope."""
    numbers = PhoneNumber.objects.here()
    if person.role is None:
        return numbers.none()
    if person.all_numbers:
        return numbers
    return numbers.of_teams(person.team_ids)


def known_numbers(person: Person) -> PhoneNumberQuerySet:
    """The numbers whose page this person may open: those they see, and for ops admins those that are gone too."""
    return PhoneNumber.objects.all() if person.is_ops_admin else visible_numbers(person)


def changeable_numbers(person: Person) -> PhoneNumberQuerySet:
    """The numbers this person may change: each group is in scope, and each active member is in a group in scope."""
    numbers = visible_numbers(person)
    if not person.may_change_something:
        return numbers.none()
    if person.all_numbers:
        return numbers
    foreign_groups = Group.objects.filter(numbers=OuterRef("pk")).exclude(pk__in=person.team_ids)
    in_scope = Member.groups.through.objects.filter(member=OuterRef("pk"), group__in=person.team_ids)
    # Whom no walk has met yet may be in whatever group.
    foreign_members = Member.objects.filter(MAY_BE_ACTIVE, numbers=OuterRef("pk")).exclude(Exists(in_scope))
    return numbers.exclude(Q(Exists(foreign_groups)) | Q(Exists(foreign_members)))


def changeable_ids(person: Person, numbers: Iterable[PhoneNumber]) -> set[int]:
    """Which of these numbers (one page of them) this person may change."""
    if person.all_numbers and person.may_change_something:
        return {number.pk for number in numbers}
    ids = [number.pk for number in numbers]
    return set(changeable_numbers(person).filter(pk__in=ids).values_list("pk", flat=True))


def why_not(person: Person, number: PhoneNumber, fields: Iterable[str], connection: Connection) -> str:
    """Why this person may not change these fields of this number: a sentence with whom to ask, or ""."""
    fields = set(fields)
    if not person.may_change_something:
        return MAY_ONLY_LOOK
    if words := why_not_fields(person, fields):
        return words
    if number.missing_since:
        return GONE
    # For the scope "all" there is nothing more to look up.
    if not person.all_numbers and not changeable_numbers(person).filter(pk=number.pk).exists():
        return BEYOND_TEAMS if PhoneNumber.objects.here().filter(pk=number.pk).exists() else GONE
    return why_close_would_not(number, fields, connection)


def why_not_fields(person: Person, fields: Iterable[str]) -> str:
    """Why this person may not change these fields of any number: a sentence, or ""."""
    if set(fields) & MEMBER_FIELDS and not person.is_ops_admin:
        return "Only ops admins change who a number belongs to. Ask one of them."
    return ""


def why_close_would_not(number: PhoneNumber, fields: Iterable[str], connection: Connection) -> str:
    """Why Close would refuse such a change from the person the connection acts as: a sentence, or ""."""
    if connection.may_change_team_numbers:
        return ""
    own = [entry[0] for entry in number.people] == [connection.acting_id]
    if own and set(fields) <= OWN_NUMBER_FIELDS and not number.groups.exists():
        return ""
    return (
        f"{connection.acting_name or 'The connected Close user'} lacks the permission “Manage Team Phone Numbers” "
        "in Close, so Close would refuse this. Ask the person who runs closephones."
    )


def visible_changes(person: Person) -> Any:
    """The changes this person may see: of numbers they may see now; of numbers that are gone, ops admins only."""
    changes = Change.objects.made()
    if person.is_ops_admin:
        return changes
    return changes.filter(number__in=visible_numbers(person))


def visible_plans(person: Person) -> Any:
    """The plans of several numbers that this person may see: their own, and for ops admins everybody's."""
    plans = Plan.objects.filter(background=True)
    if person.is_ops_admin:
        return plans
    return plans.filter(author=person.user.pk) if person.role is not None else plans.none()


def visible_imports(person: Person) -> Any:
    """The imports this person may see: their own. What others have brought is theirs until it is a plan."""
    imports = Import.objects.filter(count__isnull=False)
    return imports.filter(author=person.user.pk) if person.may_change_something else imports.none()


def visible_absences(person: Person) -> Any:
    """The absences this person may see: their own, and those of numbers that they may see."""
    every = Absence.objects.all()
    if person.is_ops_admin:
        return every
    if person.role is None:
        return every.none()
    theirs = Absence.numbers.through.objects.filter(phonenumber__in=visible_numbers(person))
    return every.filter(Q(author=person.user.pk) | Q(pk__in=theirs.values("absence")))


def visible_views(person: Person) -> Any:
    """The saved views that are tabs for this person: their own, and those shared by others."""
    return SavedView.objects.filter(Q(owner=person.user.pk) | Q(shared=True))


def own_views(person: Person) -> Any:
    """The saved views that this person may change."""
    return SavedView.objects.filter(owner=person.user.pk)


def removable_views(person: Person) -> Any:
    """The saved views that this person may take away: their own; as an ops admin also what others share."""
    return visible_views(person) if person.is_ops_admin else own_views(person)


def why_not_calendar(person: Person, calendar: Calendar) -> str:
    """Why this person may not change or delete a calendar: absences of others are on its days. A sentence, or ""."""
    if not person.may_change_something:
        return MAY_ONLY_LOOK
    others = Absence.objects.filter(calendar=calendar, stopped_at__isnull=True).exclude(author=person.user.pk)
    if not person.is_ops_admin and others.exists():
        return "Absences of others are on its days. Ask an ops admin to change it, or add one of your own."
    return ""


def why_not_plan(person: Person, plan: Plan) -> str:
    """Why this person may not approve, stop or take back this plan: a sentence, or ""."""
    if not person.may_change_something:
        return MAY_ONLY_LOOK
    if plan.author_id != person.user.pk and not person.is_ops_admin:
        return f"This plan is {plan.author_name}’s. Ask them or an ops admin."
    return ""


def may_look_after_access(person: Person, user: Any) -> str:
    """Why this person may not change that user's role: a sentence, or ""."""
    if not person.is_ops_admin:
        return "Only ops admins give roles."
    if user.is_superuser:
        return FOR_GOOD
    if person.user.pk == user.pk:
        return "Nobody changes their own role. Ask another ops admin."
    return ""


def why_not_by_hand(user: Any) -> str:
    """Why nobody gives this person a role on the page People: a sentence, or ""."""
    if claimed_role(user):
        return FROM_COMPANY
    return NOT_BY_HAND if settings.MANUAL_ROLES == "off" else ""


def ops_admins() -> Any:
    """The people who are ops admins now, superusers included."""
    admins = Q(is_superuser=True)
    has_claimed = Q(pk__in=[])
    if settings.SSO_ROLE_MAP:
        has_claimed = Q(pk__in=ClaimedRole.objects.exclude(role="").values("user"))
        admins |= Q(pk__in=ClaimedRole.objects.filter(role=OPS_ADMIN).values("user"))
    if settings.MANUAL_ROLES == "on":
        lasting = Q(ends_on__isnull=True) | Q(ends_on__gte=Access.today())
        by_hand = Access.objects.filter(lasting, role=OPS_ADMIN)
        admins |= Q(pk__in=by_hand.values("user")) & ~has_claimed
    people = get_user_model().objects.filter(admins, is_active=True)
    return people if settings.CLOSE_IS_LOOPBACK else people.exclude(email__endswith=DEMO)
