// The 61 GraphQL-over-HTTP audits of graphql-http against a running server: `node audits.mjs URL KEY`.
// Prints what fails; ends with 1 if anything did.
import { serverAudits } from "graphql-http";

const [url, key] = process.argv.slice(2);
const fetchFn = (input, init = {}) =>
  fetch(input, { ...init, headers: { ...init.headers, authorization: `Bearer ${key}` } });

const results = await Promise.all(serverAudits({ url, fetchFn }).map((audit) => audit.fn()));
const failures = results.filter((result) => result.status !== "ok");
for (const { id, name, status, reason } of failures) {
  console.log(`${status} ${id}: ${name}: ${reason}`);
}
console.log(`${results.length - failures.length} of ${results.length} audits pass`);
process.exit(failures.length === 0 && results.length === 61 ? 0 : 1);
