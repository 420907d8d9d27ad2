// authType SECRET, checked by `X-Hub-Signature`: HMAC-SHA1 of the raw body.
// The LABELBOX format sends `sha1=<hex>`, the ANGO format the bare hex.

import { createHmac } from "node:crypto";
import { same, serve } from "./receiver.js";

serve((headers, body) => {
  const expected = createHmac("sha1", process.env.SECRET).update(body).digest("hex");
  return same(expected, headers["x-hub-signature"]?.replace(/^sha1=/, ""));
});
