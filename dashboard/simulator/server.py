"""HTTP/1.1 on loopback: takes requests apart, puts answers on the wire, and cuts connections where it is told to."""

import ipaddress
import select
import socket
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from threading import Thread, current_thread
from urllib.parse import parse_qsl, unquote, urlsplit

from .web import Answer, Call, HangUp

MOST_BYTES = 10_000_000


class Server(ThreadingMixIn, TCPServer):
    """Answers each call with what `respond` makes of it, with a thread for each connection.

    `respond` gets the whole path, and may raise HangUp. Only loopback addresses are bound to: ValueError for others.
    """

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, respond: Callable[[Call], Answer]) -> None:
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"The simulator serves this machine only: {host} is not a loopback address.")
        self.respond = respond
        self.open: dict[socket.socket, Thread] = {}
        self._thread: Thread | None = None
        super().__init__((host, port), Handler)

    @property
    def port(self) -> int:
        """The port that is bound to."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._thread = Thread(target=self.serve_forever, args=(0.02,), name="simulator", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, cut every open connection, and wait for their threads."""
        self.shutdown()
        if self._thread:
            self._thread.join()
        self.server_close()
        for connection, thread in list(self.open.items()):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                # The other side was faster.
                continue
            finally:
                thread.join(5)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of callers that went away; anything else is a mistake of ours and is shown."""
        try:
            raise
        except ConnectionError:
            return
        except Exception:
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Handler(BaseHTTPRequestHandler):
    """One connection, for as many requests as it lasts."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Note the connection, so that it can be cut."""
        super().setup()
        self.server.open[self.connection] = current_thread()

    def finish(self) -> None:
        """Forget the connection."""
        self.server.open.pop(self.connection, None)
        super().finish()

    def respond(self) -> None:
        """Answer one request."""
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit() and int(length) <= MOST_BYTES):
            self.send_error(HTTPStatus.BAD_REQUEST)
            self.close_connection = True
            return
        url = urlsplit(self.path)
        call = Call(
            method=self.command,
            path=unquote(url.path),
            query=dict(parse_qsl(url.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(length)),
            hung_up=self._hung_up,
        )
        try:
            answer = self.server.respond(call)
        except HangUp:
            self.close_connection = True
            return
        self._send(answer)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = respond

    def _send(self, answer: Answer) -> None:
        headers = {
            "Content-Type": answer.content_type,
            "Content-Length": str(len(answer.body)),
            "Date": self.date_time_string(),
            **answer.headers,
        }
        reason = HTTPStatus(answer.status).phrase
        lines = [f"HTTP/1.1 {answer.status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
        head = "\r\n".join((*lines, "", "")).encode("latin-1")
        # One write: head and body travel together, and nothing waits for an acknowledgement.
        self.wfile.write(head + (answer.body if answer.cut is None else answer.body[: answer.cut]))
        if answer.cut is not None:
            self.close_connection = True

    def _hung_up(self, seconds: float) -> bool:
        """Wait until the caller closes the connection, at most so long; say whether they did."""
        poll = select.poll()
        poll.register(self.connection, select.POLLIN)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not poll.poll(left * 1000):
                break
            try:
                return not self.connection.recv(1, socket.MSG_PEEK)
            except ConnectionError:
                return True
        return False

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet: the journal says what was asked."""
