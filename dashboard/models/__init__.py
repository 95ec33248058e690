"""What is stored: Close's last answers, what people intend and what became of it, who may do what."""

from dashboard.models.access import Access, ClaimedRole, Preference, Role, SavedView
from dashboard.models.connection import Connection, Counter, Pause, SyncRun
from dashboard.models.numbers import Answer, PhoneNumber, PhoneNumberQuerySet
from dashboard.models.people import Group, Member
from dashboard.models.plans import Change, Outcome, Plan, Source

__all__ = [
    "Access",
    "Answer",
    "Change",
    "ClaimedRole",
    "Connection",
    "Counter",
    "Group",
    "Member",
    "Outcome",
    "Pause",
    "PhoneNumber",
    "PhoneNumberQuerySet",
    "Plan",
    "Preference",
    "Role",
    "SavedView",
    "Source",
    "SyncRun",
]
