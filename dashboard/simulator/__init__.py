"""A Close organisation on loopback: the same API, made-up data, switchable faults.

For the demo, the tests and the benchmarks; the product never imports it. In Python:

    org = Organisation.make(numbers=240, members=60, groups=6, seed=1)
    with Simulator(org, rate_limit=20, latency_ms=150) as sim:
        client = Client(sim.url, DEMO_KEY)
        sim.fault("done-before-answer", times=1)
        ...
        assert sim.puts() == [(number_id, {"label": "Sales"})]

From a shell: `manage.py simulate_close`. From another process: the control endpoint, see `control`. The faults are
in the table of `faults`. Greetings lie at `<origin>/greetings/`, and move along when the origin changes; since that
shows as a change of every greeting, the demo keeps to one port.
"""

from .organisation import Organisation
from .simulator import DEMO_CLIENT, DEMO_KEY, DEMO_TOKEN, Simulator

__all__ = ["DEMO_CLIENT", "DEMO_KEY", "DEMO_TOKEN", "Organisation", "Simulator"]
