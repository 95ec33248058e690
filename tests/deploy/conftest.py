"""A real nginx with our configuration, before whatever answers."""

import datetime
import shutil
import ssl
import subprocess
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings

from ..bench.servers import free_port, wait_for

DEPLOY = Path(settings.BASE_DIR) / "deploy"
NAME = "phones.example.com"
PROGRAM = shutil.which("nginx") or "/usr/sbin/nginx"
MAIN = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/sites/*.conf;
}}
"""


class Nginx:
    """Our configuration for any number of sites, each with a name of its own and what answers behind it."""

    def __init__(self, folder):
        self.folder = folder
        self.http, self.https = free_port(), free_port()
        (folder / "sites").mkdir()
        self._certificate()

    def _certificate(self):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
        now = datetime.datetime.now(datetime.UTC)
        until = now + datetime.timedelta(days=1)
        made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, until)
        made = made.sign(key, hashes.SHA256())
        (self.folder / "site.pem").write_bytes(made.public_bytes(Encoding.PEM))
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / "site.key").write_bytes(secret)

    def add(self, name, port, *, through=(), also="", outpost=9000):
        """A site of this name before `port`. `through`: headers let through; `also`: one more file to include."""
        identity = (DEPLOY / "nginx-identity.conf").read_text()
        for header in through:
            line = f'proxy_set_header {header} "";\n'
            assert line in identity, f"nginx-identity.conf does not know {header}."
            identity = identity.replace(line, "")
        text = (DEPLOY / "nginx.conf").read_text()
        if also:
            text = text.replace(
                "    location / {", f"    include /etc/nginx/closephones-{also}.conf;\n    location / {{"
            )
            (self.folder / f"{name}.also").write_text(
                (DEPLOY / f"nginx-{also}.conf")
                .read_text()
                .replace("127.0.0.1:8000", f"127.0.0.1:{port}")
                .replace("127.0.0.1:9000", f"127.0.0.1:{outpost}")
            )
        for given, here in {
            "listen 80;": f"listen 127.0.0.1:{self.http};",
            "listen 443 ssl": f"listen 127.0.0.1:{self.https} ssl",
            "/etc/ssl/phones.example.com.pem": f"{self.folder}/site.pem",
            "/etc/ssl/phones.example.com.key": f"{self.folder}/site.key",
            "/etc/nginx/closephones-identity.conf": f"{self.folder}/{name}.identity",
            "127.0.0.1:8000": f"127.0.0.1:{port}",
            NAME: name,
        }.items():
            assert given in text
            text = text.replace(given, here)
        text = text.replace(f"/etc/nginx/closephones-{also}.conf", f"{self.folder}/{name}.also")
        (self.folder / f"{name}.identity").write_text(identity)
        (self.folder / "sites" / f"{name}.conf").write_text(text)

    @contextmanager
    def running(self):
        (self.folder / "nginx.conf").write_text(MAIN.format(folder=self.folder))
        command = [PROGRAM, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]
        said = subprocess.run([*command, "-t"], capture_output=True, text=True, timeout=30, check=False)
        assert said.returncode == 0, said.stderr
        process = subprocess.Popen(command)
        try:
            wait_for(process, self.http, "/")
            yield self
        finally:
            process.terminate()
            process.wait(20)

    def ask(self, name, path="/", method="GET", body="", headers=None):
        """What somebody outside gets: the answer, with its text as `text`. A list is a header sent several times."""
        trusted = ssl.create_default_context(cafile=self.folder / "site.pem")
        trusted.check_hostname = False
        connection = HTTPSConnection("127.0.0.1", self.https, timeout=30, context=trusted)
        body = body.encode()
        given = {"Host": f"{name}:{self.https}", "Content-Length": str(len(body))} | (headers or {})
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for header, values in given.items():
                for value in values if isinstance(values, list) else [values]:
                    connection.putheader(header, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            answer.text = answer.read().decode()
            return answer
        finally:
            connection.close()

    def ask_http(self, name, path):
        connection = HTTPConnection("127.0.0.1", self.http, timeout=30)
        try:
            connection.request("GET", path, headers={"Host": name})
            return connection.getresponse()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    return Nginx(tmp_path_factory.mktemp("nginx"))
