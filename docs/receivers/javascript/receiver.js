// A small webhook receiver on Node's own modules. Each file beside this one adds one way to check a request.
//
// What every receiver should do, and this one does:
// - take the raw bytes: a signature covers bytes, and parsing and printing JSON again changes them;
// - check before anything else, in constant time;
// - answer 2xx as soon as the event is safely yours, and work afterwards (a slow answer is a failed delivery);
// - remember `webhook-id`: delivery is at least once, and the id of an event stays the same however often it is sent.

import { createHash, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const LARGEST_BODY = 1 << 20;
const REMEMBERED = 10_000;

/** Serves on PORT. `accepted(headers, body)` says whether a request comes from Labelhook. */
export function serve(accepted) {
  const server = createServer(async (request, response) => {
    const answer = (status) => response.writeHead(status).end();
    try {
      if (!(Number(request.headers["content-length"]) <= LARGEST_BODY)) return answer(413);
      const body = await rawBody(request);
      if (!accepted(request.headers, body)) return answer(401);
      const id = request.headers["webhook-id"];
      // In earnest, write the event to a table of yours here: what has been answered with 2xx is not sent again.
      if (isNew(id)) setImmediate(work, id, request.headers["x-labelbox-event"] ?? "event", body);
      answer(204);
    } catch {
      request.destroy();
    }
  });
  server.listen(Number(process.env.PORT ?? 9000), "127.0.0.1", () => {
    console.log(`listening on http://127.0.0.1:${server.address().port}`);
  });
}

/** Whether two texts are the same, in a time that does not tell how much of them is. */
export function same(expected, given = "") {
  const digest = (text) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(expected), digest(given));
}

/** The slow part, after the answer. */
function work(id, topic, body) {
  console.log(`received ${topic} ${id} ${Object.keys(JSON.parse(body)).length} fields`);
}

async function rawBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

// A Set keeps the order of insertion, so its first is the oldest.
const seen = new Set();

function isNew(id) {
  if (id === undefined) return true;
  if (seen.has(id)) return false;
  seen.add(id);
  if (seen.size > REMEMBERED) seen.delete(seen.values().next().value);
  return true;
}
