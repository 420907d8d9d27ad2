// authType SECRET, checked by `X-Hub-Signature-256`: HMAC-SHA256 of the raw body. Every format sends it.

import { createHmac } from "node:crypto";
import { same, serve } from "./receiver.js";

serve((headers, body) => {
  const expected = "sha256=" + createHmac("sha256", process.env.SECRET).update(body).digest("hex");
  return same(expected, headers["x-hub-signature-256"]);
});
