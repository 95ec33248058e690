"""What must hold before it starts: settings that are right one by one and still do not fit together.

`manage.py` looks at them before every command, and the web server before its first request. An error stops the start;
a warning is shown by `manage.py check --deploy`.
"""

from dashboard.checks import close, signin, site
from dashboard.checks.registering import refuse_to_start_broken

__all__ = ["close", "refuse_to_start_broken", "signin", "site"]
