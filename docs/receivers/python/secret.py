"""authType SECRET, checked by `X-Hub-Signature`: HMAC-SHA1 of the raw body.

The LABELBOX format sends `sha1=<hex>`, the ANGO format the bare hex.
"""

import hashlib
import hmac
import os

from receiver import serve

SECRET = os.environ["SECRET"].encode()


def accepted(headers, body):
    expected = hmac.new(SECRET, body, hashlib.sha1).hexdigest()
    given = headers.get("X-Hub-Signature", "").removeprefix("sha1=")
    return hmac.compare_digest(expected.encode(), given.encode())


serve(accepted)
