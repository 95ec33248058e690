#!/usr/bin/env python
"""Django's command line for closephones."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "closephones.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # What is wrong with the settings is a sentence for the person who set them, not a traceback.
        sys.exit(str(error))
