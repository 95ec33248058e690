"""What is stored: Close's last answers, what people intend and what became of it, who may do what."""

from dashboard.models.absences import Absence, Adjustment, Calendar, Holding, Occurrence
from dashboard.models.access import Access, ClaimedRole, Preference, Role, SavedView
from dashboard.models.connection import Connection, Counter, Pause, SyncRun
from dashboard.models.credentials import Credential, Standing
from dashboard.models.events import Event, Kind
from dashboard.models.imports import Import, ImportRow
from dashboard.models.notices import Notice
from dashboard.models.numbers import Answer, PhoneNumber, PhoneNumberQuerySet
from dashboard.models.people import Group, Member
from dashboard.models.plans import Change, Drift, Hold, Outcome, Plan, Source, Verdict
from dashboard.models.sessions import Session

__all__ = [
    "Absence",
    "Access",
    "Adjustment",
    "Answer",
    "Calendar",
    "Change",
    "ClaimedRole",
    "Connection",
    "Counter",
    "Credential",
    "Drift",
    "Event",
    "Group",
    "Hold",
    "Holding",
    "Import",
    "ImportRow",
    "Kind",
    "Member",
    "Notice",
    "Occurrence",
    "Outcome",
    "Pause",
    "PhoneNumber",
    "PhoneNumberQuerySet",
    "Plan",
    "Preference",
    "Role",
    "SavedView",
    "Session",
    "Source",
    "Standing",
    "SyncRun",
    "Verdict",
]
