// The published clients of both protocols against a running server: `node feed.mjs URL KEY CURSOR COUNT`.
// Prints the ids of COUNT events after CURSOR, once from each client, as two lines of JSON.
import { createClient as overSocket } from "graphql-ws";
import { createClient as overEvents } from "graphql-sse";
import WebSocket from "ws";

const [url, key, after, count] = process.argv.slice(2);
const authorization = `Bearer ${key}`;
const query = "subscription($after: String) {events(after: $after) {cursor node {id}}}";

async function told(client) {
  const ids = [];
  for await (const { data, errors } of client.iterate({ query, variables: { after } })) {
    if (errors) throw new Error(JSON.stringify(errors));
    ids.push(data.events.node.id);
    if (ids.length === Number(count)) break;
  }
  return ids;
}

const socket = overSocket({
  url: url.replace("http", "ws"),
  connectionParams: { authorization },
  retryAttempts: 0,
  webSocketImpl: WebSocket,
});
console.log(JSON.stringify(await told(socket)));
await socket.dispose();
const events = overEvents({ url: `${url}/stream`, headers: { authorization }, retryAttempts: 0 });
console.log(JSON.stringify(await told(events)));
events.dispose();
process.exit(0);
