"""A small webhook receiver on the standard library. Each file beside this one adds one way to check a request.

What every receiver should do, and this one does:
- take the raw bytes: a signature covers bytes, and decoding and encoding JSON again changes them;
- check before anything else, in constant time;
- answer 2xx as soon as the event is safely yours, and work afterwards (a slow answer is a failed delivery);
- remember `webhook-id`: delivery is at least once, and the id of an event stays the same however often it is sent.
"""

import json
import os
import queue
import threading
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGEST_BODY = 1 << 20
REMEMBERED = 10_000


def serve(accepted):
    """Serves on PORT. `accepted(headers, body)` says whether a request comes from Labelhook."""
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "9000"))), handler(accepted))
    threading.Thread(target=work, daemon=True).start()
    print(f"listening on http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


# In earnest this is a table of yours: what has been answered with 2xx is not sent again, so it must survive a crash.
accepted_events = queue.Queue()


def work():
    """The slow part, after the answer."""
    while True:
        event_id, topic, body = accepted_events.get()
        print(f"received {topic} {event_id} {len(json.loads(body))} fields", flush=True)


def handler(accepted):
    seen = Seen()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self):
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > LARGEST_BODY:
                self.close_connection = True
                return self.answer(413)
            body = self.rfile.read(int(length))
            if not accepted(self.headers, body):
                return self.answer(401)
            event_id = self.headers.get("webhook-id")
            if seen.is_new(event_id):
                accepted_events.put((event_id, self.headers.get("X-Labelbox-Event", "event"), body))
            self.answer(204)

        def answer(self, status):
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    return Handler


class Seen:
    """The ids of the newest events. A request without an id counts as new."""

    def __init__(self):
        self.ids = OrderedDict()
        self.lock = threading.Lock()

    def is_new(self, event_id):
        with self.lock:
            if event_id is None:
                return True
            if event_id in self.ids:
                return False
            self.ids[event_id] = True
            if len(self.ids) > REMEMBERED:
                self.ids.popitem(last=False)
            return True
