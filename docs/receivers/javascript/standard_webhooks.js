// authType SECRET, checked as Standard Webhooks (package `standardwebhooks`).
// The best of the three: the signature covers the event's id and the time of sending too, so an old request cannot be
// played again, and the library accepts either signature while a secret is being rotated.

import { Webhook } from "standardwebhooks";
import { serve } from "./receiver.js";

const secret = process.env.SECRET;
// A secret that begins with whsec_ is base64 behind it; the bytes of any other secret are the key themselves.
const webhook = new Webhook(
  secret.startsWith("whsec_") ? secret : "whsec_" + Buffer.from(secret).toString("base64"),
);

serve((headers, body) => {
  try {
    webhook.verify(body, headers, { jsonParse: false });
    return true;
  } catch {
    return false;
  }
});
