"""The entry point for gunicorn and every other WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

from dashboard import checks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "closephones.settings")
application = get_wsgi_application()
checks.refuse_to_start_broken()
