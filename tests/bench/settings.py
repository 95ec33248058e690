"""The settings of production, and beside them Django's admin, for the comparison."""

import os
from pathlib import Path

import django

from closephones.settings import *  # noqa: F403
from closephones.settings import INSTALLED_APPS, LOGGING, STATICFILES_DIRS

INSTALLED_APPS += ["django.contrib.admin"]
STATICFILES_DIRS += [Path(django.__file__).parent / "contrib" / "admin" / "static"]
ROOT_URLCONF = "tests.bench.urls"

# Each entry of the history is written, as in production, but not among the figures.
LOGGING["handlers"]["history"]["stream"] = open(os.devnull, "w")  # noqa: SIM115
