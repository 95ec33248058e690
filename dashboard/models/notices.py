"""What somebody should know: the bell's messages."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Notice(models.Model):
    """One message to one person. It goes out by mail or chat too, where that is set up and wanted."""

    class Kind(models.TextChoices):
        PLAN = "plan", "My plan has ended"
        ABSENCE = "absence", "An absence of mine has ended, or could not"
        OUTSIDE = "outside", "Changed in Close on a number of mine"
        SYSTEM = "system", "closephones itself needs somebody"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    words = models.TextField()
    url = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    # When each way out was done with it; what one could not take, the other does not send again.
    mailed_at = models.DateTimeField(null=True)
    chatted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        indexes = [models.Index("user", name="notice_unread", condition=Q(read_at__isnull=True))]

    def __str__(self) -> str:
        return self.words
