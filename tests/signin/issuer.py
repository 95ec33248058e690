"""An issuer of the tests: a discovery document, keys, a token endpoint, and tokens that may be wrong on purpose."""

import json
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CLIENT_ID, CLIENT_SECRET = "closephones-at-acme", "the secret of the tests"
MAKERS = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
}


class Key:
    """A key pair with a name; `RS256`, `ES256` or `ES384`."""

    def __init__(self, kid="first", algorithm="RS256"):
        self.kid, self.algorithm = kid, algorithm
        self.private = MAKERS[algorithm]()

    def jwk(self):
        public = jwt.get_algorithm_by_name(self.algorithm).to_jwk(self.private.public_key(), as_dict=True)
        return public | {"kid": self.kid, "use": "sig", "alg": self.algorithm}

    def pem(self):
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, claims, **headers):
        return jwt.encode(claims, self.private, self.algorithm, headers={"kid": self.kid} | headers)


class Issuer:
    """Serves its keys, and one token for whatever code is handed in. What it serves may be set at any time."""

    def __init__(self, url, key):
        self.url, self.key = url, key
        self.keys = [key]
        self.token = None
        self.discovery = {
            "issuer": url,
            "authorization_endpoint": f"{url}/authorize",
            "token_endpoint": f"{url}/token",
            "jwks_uri": f"{url}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }
        # True, or the one path that does not answer.
        self.down = False
        self.asked = []

    def claims(self, **changes):
        """Claims as they should be, with these changed; None takes one away."""
        now = int(time.time())
        good = {"iss": self.url, "aud": CLIENT_ID, "sub": "subject-1", "iat": now, "exp": now + 300}
        good |= {"email": "ana@example.com", "name": "Ana Ruiz", "groups": ["everyone-sales"]} | changes
        return {name: value for name, value in good.items() if value is not None}

    def answer(self, path, form):
        self.asked.append((path, form))
        if path == "/.well-known/openid-configuration":
            return self.discovery
        if path in ("/keys", "/cdn-cgi/access/certs"):
            return {"keys": [key.jwk() for key in self.keys]}
        if path.startswith("/pem/"):
            # One key at an address of its own, as AWS has them.
            return next((key.pem() for key in self.keys if path == f"/pem/{key.kid}"), None)
        return {"access_token": "access-token-of-the-tests", "token_type": "Bearer", "id_token": self.token}


def _handler():
    class Handler(BaseHTTPRequestHandler):
        def _answer(self):
            length = int(self.headers.get("Content-Length") or 0)
            form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
            issuer = self.server.issuer
            status = 503 if issuer.down in (True, self.path) else 200
            answer = issuer.answer(self.path, form) if status == 200 else b"away"
            if answer is None:
                status, answer = 404, b"not here"
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer

        def log_message(self, *_):
            pass

    return Handler


@contextmanager
def running(key):
    """An issuer on a free port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler())
    server.issuer = Issuer(f"http://127.0.0.1:{server.server_port}", key)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
