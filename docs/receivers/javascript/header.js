// authType HEADER: the value that you gave the webhook comes back as `Authorization`, whatever it is.

import { same, serve } from "./receiver.js";

serve((headers) => same(process.env.TOKEN, headers.authorization));
