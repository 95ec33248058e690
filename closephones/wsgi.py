"""The entry point for gunicorn and every other WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "closephones.settings")
application = get_wsgi_application()

# The checks look at what is stored, which exists only from here on.
from dashboard import checks  # noqa: E402

checks.refuse_to_start_broken()
