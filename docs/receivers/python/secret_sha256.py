"""authType SECRET, checked by `X-Hub-Signature-256`: HMAC-SHA256 of the raw body. Every format sends it."""

import hashlib
import hmac
import os

from receiver import serve

SECRET = os.environ["SECRET"].encode()


def accepted(headers, body):
    expected = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    given = headers.get("X-Hub-Signature-256", "")
    return hmac.compare_digest(expected.encode(), given.encode())


serve(accepted)
