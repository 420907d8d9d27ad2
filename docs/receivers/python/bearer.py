"""authType BEARER: the token that you gave the webhook comes back as `Authorization: Bearer <token>`."""

import hmac
import os

from receiver import serve

EXPECTED = f"Bearer {os.environ['TOKEN']}"


def accepted(headers, body):
    return hmac.compare_digest(EXPECTED.encode(), headers.get("Authorization", "").encode())


serve(accepted)
