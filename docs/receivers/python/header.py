"""authType HEADER: the value that you gave the webhook comes back as `Authorization`, whatever it is."""

import hmac
import os

from receiver import serve

EXPECTED = os.environ["TOKEN"]


def accepted(headers, body):
    return hmac.compare_digest(EXPECTED.encode(), headers.get("Authorization", "").encode())


serve(accepted)
