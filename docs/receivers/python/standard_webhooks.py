"""authType SECRET, checked as Standard Webhooks (package `standardwebhooks`).

The best of the three: the signature covers the event's id and the time of sending too, so an old request cannot be
played again, and the library accepts either signature while a secret is being rotated.
"""

import base64
import os

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from receiver import serve

SECRET = os.environ["SECRET"]
# A secret that begins with whsec_ is base64 behind it; the bytes of any other secret are the key themselves.
if not SECRET.startswith("whsec_"):
    SECRET = "whsec_" + base64.b64encode(SECRET.encode()).decode()
WEBHOOK = Webhook(SECRET)


def accepted(headers, body):
    try:
        WEBHOOK.verify(body, dict(headers.items()), json_parse=False)
        return True
    except (WebhookVerificationError, ValueError):
        return False


serve(accepted)
