// The audits of graphql-http, the reference implementation of GraphQL over HTTP: every one, MUST, SHOULD and MAY.
//
//   node tests/clients/audits.mjs <base URL>
//
// Each is printed; whatever isn't `ok` fails, and so does an audit that is missing from the list it used to have.
import assert from 'node:assert/strict';
import { serverAudits } from 'graphql-http';

const [base] = process.argv.slice(2);
assert(base, 'usage: node audits.mjs <base URL>');

const results = await Promise.all(serverAudits({ url: new URL('/graphql', base).href }).map((audit) => audit.fn()));
for (const { id, name, status, reason } of results) {
  console.log(`${status.padEnd(6)} ${id} ${name}${reason ? `: ${reason}` : ''}`);
}
const failed = results.filter(({ status }) => status !== 'ok');
assert(results.length >= 60, `there were only ${results.length} audits`);
assert.equal(failed.length, 0, `${failed.length} of ${results.length} audits fail`);
console.log(`audits: all ${results.length} are well`);
