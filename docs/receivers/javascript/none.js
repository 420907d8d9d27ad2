// authType NONE: nothing to check. Only for a receiver that nobody else can reach.

import { serve } from "./receiver.js";

serve(() => true);
