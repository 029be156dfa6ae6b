// What every live transport has to do, whoever wrote its client: a query, a mutation, an invalid operation, a refused
// token, an event that another caller causes, an end that the server notices, and coming back after a restart.
//
// The test beside it does what happens on the server. `told(word)` tells it a word, and goes on when it is done.
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';

const [base, token, other, otherToken] = process.argv.slice(2);
assert(base && token && other && otherToken, 'usage: node <client>.mjs <base URL> <token> <URL of another instance> <token of another user>');

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Tells the test that something is so, and waits until it has done its part. */
async function told(word) {
  console.log(`told: ${word}`);
  assert.equal((await within(answers.next(), `an answer to "${word}"`)).done, false);
}

const WATCH = 'subscription Watch { minerUpdated { __typename miner { id session { status } } } }';
const CLAIM = 'mutation Claim { miningSessionClaim(input: {idempotencyKey: "live"}) { userErrors { code } } }';

/**
 * Runs it all over a client: `connect({ url, token })` answers `ask(query)` for one result, `follow(query, next)` for a
 * function that stops it, and `close()`. What is refused throws, or answers `errors`; `refusal` tells which code it was.
 */
export async function scenario(name, { connect, refusal, connectTwice }) {
  const client = connect({ url: graphql(base), token });
  const { data } = await within(client.ask('query Me { viewer { miner { id session { id } } } }'), 'a query');
  assert.equal(data.viewer.miner.session, null);
  const claimed = await within(client.ask(CLAIM), 'a mutation');
  assert.deepEqual(claimed.data.miningSessionClaim.userErrors.map(({ code }) => code), ['SESSION_NOT_FOUND']);
  console.log(`${name}: queries and mutations: ok`);

  const invalid = await refused(() => client.ask('query Odd { nothing }'), refusal);
  assert.equal(invalid, 'GRAPHQL_VALIDATION_FAILED');
  const odd = await refused(() => new Promise((resolve, reject) => client.follow('subscription Odd { nothing }', resolve, reject)), refusal);
  assert.equal(odd, 'GRAPHQL_VALIDATION_FAILED');
  const stranger = connect({ url: graphql(base), token: 'nonsense' });
  const unknown = await refused(() => stranger.ask('{ __typename }'), refusal);
  assert(['UNAUTHENTICATED', 4403, 401].includes(unknown), `refused by ${unknown}`);
  await stranger.close();
  console.log(`${name}: refusals: ok`);

  const events = queue();
  const stop = client.follow(WATCH, events.put, events.fail);
  await told('following');
  const event = await within(events.take(), 'an event');
  assert.equal(event.data.minerUpdated.__typename, 'MiningSessionStarted');
  assert.equal(event.data.minerUpdated.miner.session.status, 'ACTIVE');
  stop();
  await told('stopped');
  console.log(`${name}: subscriptions: ok`);
  await client.close();

  if (connectTwice) {
    const lasting = connectTwice({ urls: [graphql(other), graphql(base)], token: otherToken });
    const later = queue();
    const end = lasting.follow(WATCH, later.put, later.fail);
    await told('following elsewhere');
    const next = await within(later.take(), 'an event after the restart');
    assert.equal(next.data.minerUpdated.__typename, 'MiningSessionStarted');
    end();
    await lasting.close();
    console.log(`${name}: coming back: ok`);
  }
  process.stdin.destroy();
}

const graphql = (url) => new URL('/graphql', url).href;

async function refused(action, refusal) {
  const failed = await within(
    Promise.resolve().then(action).then((result) => result, (error) => ({ thrown: error })),
    'a refusal',
  );
  if (failed.thrown) return refusal(failed.thrown);
  assert(failed.errors, `nothing was refused: ${JSON.stringify(failed)}`);
  return failed.errors[0].extensions.code;
}

/** Events in the order they come. */
function queue() {
  const arrived = [];
  let wake = () => {};
  const push = (item) => {
    arrived.push(item);
    wake();
  };
  return {
    put: (value) => push({ value }),
    fail: (error) => push({ error }),
    async take() {
      while (arrived.length === 0) await new Promise((resolve) => (wake = resolve));
      const { value, error } = arrived.shift();
      if (error) throw error;
      return value;
    },
  };
}

export function within(promise, what) {
  const late = new Promise((_, reject) => setTimeout(reject, 120_000, new Error(`${what} doesn't come`)).unref());
  return Promise.race([promise, late]);
}
