// authType BEARER: the token that you gave the webhook comes back as `Authorization: Bearer <token>`.

import { same, serve } from "./receiver.js";

serve((headers) => same(`Bearer ${process.env.TOKEN}`, headers.authorization));
