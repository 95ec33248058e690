"""What it takes to verify what a proxy in front says of who is asking, with its keys at hand."""

from contextlib import ExitStack

import jwt
from django.test import RequestFactory, override_settings

from dashboard.signin import proxies, proxy
from tests.bench.report import Row, median, p95, times
from tests.signin.gateways import HEADERS, Gateway
from tests.signin.issuer import Key, running

RUNS = 400
# A signature on the curve P-384 takes half of the bar by itself, whoever looks at it, on a slow machine all of it:
# there only what is ours is held to the bar, and the rest is told.
SLOW = "ES384"


def signature_alone(gateway) -> float:
    """Milliseconds that the signature takes by itself."""
    text, _, signature = gateway.good().rpartition(".")
    algorithm = jwt.get_algorithm_by_name(gateway.algorithm)
    signed, public = jwt.utils.base64url_decode(signature), gateway.key.private.public_key()
    return median(times(lambda: algorithm.verify(text.encode(), public, signed), RUNS))


def measure() -> list[Row]:
    """Verify the assertion of each kind, over and over; every request does it once."""
    rows = []
    with ExitStack() as stack:
        issuer = stack.enter_context(running(Key()))
        for kind in HEADERS:
            gateway = Gateway(kind, issuer)
            given = gateway.settings | ({"PROXY_HEADER": [gateway.header]} if kind == "jwt" else {})
            with override_settings(**given):
                found = proxies.proxy()
                request = RequestFactory().get("/numbers/", headers={gateway.header: gateway.good()})
                taken = times(lambda request=request, found=found: proxy.identify(request, found), RUNS)
            what, measured, note = f"verify {kind} ({gateway.algorithm})", p95(taken), ""
            if gateway.algorithm == SLOW:
                alone = signature_alone(gateway)
                what, measured, note = (
                    f"{what} beyond the signature",
                    measured - alone,
                    f"(the signature: {alone:.2f} ms)",
                )
            rows.append(Row(f"{what}: p95 of {RUNS}", measured, 1, "ms", note=note))
    return rows
