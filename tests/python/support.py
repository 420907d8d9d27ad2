"""What the three scripts share: where the server is, counted checks, and a receiver that verifies signatures."""

import hashlib
import hmac
import json
import os
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "example_secret"
DEADLINE = 60.0


def settings():
    """Endpoint and key: the only things that differ from a program written for Labelbox."""
    return os.environ["LABELHOOK_ENDPOINT"], os.environ["LABELHOOK_API_KEY"]


class Checks:
    """Assertions that are counted, so that a script which checks nothing cannot look green."""

    def __init__(self):
        self.count = 0

    def equal(self, found, expected, what):
        assert found == expected, f"{what}: found {found!r}, expected {expected!r}"
        self.count += 1

    def true(self, condition, what):
        assert condition, what
        self.count += 1

    def raises(self, exception, call, starts="", contains=""):
        """`call` raises exactly `exception`, and its text begins with `starts` and holds `contains`."""
        try:
            result = call()
        except Exception as error:
            message = str(getattr(error, "message", error))
            assert type(error) is exception, f"expected {exception.__name__}, got {type(error).__name__}: {message}"
            assert message.startswith(starts), f"message {message!r} does not start with {starts!r}"
            assert contains in message, f"message {message!r} does not hold {contains!r}"
            self.count += 1
            return
        raise AssertionError(f"expected {exception.__name__}, got the result {result!r}")

    def done(self):
        print(f"ok {self.count} checks")


class Receiver:
    """A webhook receiver on a free port, as Labelbox documents it: check `X-Hub-Signature`, answer 200, keep the body."""

    def __init__(self):
        self.arrived = queue.Queue()
        arrived = self.arrived

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                digest = hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
                signed = hmac.compare_digest("sha1=" + digest, self.headers.get("X-Hub-Signature", ""))
                self.send_response(200 if signed else 401)
                self.send_header("Content-Length", "0")
                self.end_headers()
                arrived.put((signed, dict(self.headers.items()), body))

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server.server_address[1]}/{path}"

    def next(self, checks, topic):
        """The next delivery; it must be signed and be about `topic`. Returns the decoded body."""
        signed, headers, body = self.arrived.get(timeout=DEADLINE)
        headers = {name.lower(): value for name, value in headers.items()}
        checks.true(signed, f"the delivery of {topic} carries a valid signature")
        checks.equal(headers.get("x-labelbox-event"), topic, "event header")
        checks.true(bool(headers.get("x-labelbox-id")), "delivery id header")
        checks.equal(headers["content-type"].split(";")[0], "application/json", "content type")
        return json.loads(body)
