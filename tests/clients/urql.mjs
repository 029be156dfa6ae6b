// urql's core: POST, GET, persisted queries, a mutation, errors.
//
//   node tests/clients/urql.mjs <base URL> <token of a user with a miner and no session>
import assert from 'node:assert/strict';
import { Client, cacheExchange, fetchExchange, gql } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';

const [base, token] = process.argv.slice(2);
assert(base && token, 'usage: node urql.mjs <base URL> <token>');
const url = new URL('/graphql', base).href;

/** A client, and what it sent: method, and whether the document's text was in it. */
function client({ bearer = token, exchanges = [cacheExchange, fetchExchange], ...options } = {}) {
  const sent = [];
  const urql = new Client({
    url,
    exchanges,
    fetchOptions: { headers: { authorization: `Bearer ${bearer}` } },
    fetch: async (where, how) => {
      const said = how.body ? JSON.parse(how.body) : Object.fromEntries(new URL(where).searchParams);
      const response = await fetch(where, how);
      sent.push({ status: response.status, step: `${how.method ?? 'GET'} ${said.query ? 'text' : 'hash'}` });
      return response;
    },
    ...options,
  });
  return { urql, sent, steps: () => sent.map(({ step }) => step) };
}

const top = (name) => gql(`query ${name}($limit: Int!) { leaderboard(limit: $limit) { entries { rank miner { id } } } }`);
const START = gql`mutation Start($input: MiningSessionStartInput!) {
  miningSessionStart(input: $input) { session { id status } userErrors { code message } }
}`;

const parts = { queries, persisted, mutations, errors };
for (const [name, part] of Object.entries(parts)) {
  await part();
  console.log(`urql: ${name}: ok`);
}

async function ask({ urql }, query, variables = {}) {
  const { data, error } = await urql.query(query, variables).toPromise();
  assert.equal(error, undefined, `${error}`);
  return data;
}

async function queries() {
  for (const [preferGetMethod, step] of [[false, 'POST text'], ['force', 'GET text']]) {
    const one = client({ preferGetMethod });
    const data = await ask(one, top('Top'), { limit: 3 });
    assert(Array.isArray(data.leaderboard.entries));
    assert.deepEqual(await ask(one, top('Top'), { limit: 3 }), data);
    assert.deepEqual(one.steps(), [step], 'the second answer is the cache\'s');
  }
}

async function persisted() {
  for (const preferGetForPersistedQueries of [false, 'force']) {
    const how = { preferGetForPersistedQueries };
    const exchanges = () => [cacheExchange, persistedExchange(how), fetchExchange];
    const hashed = preferGetForPersistedQueries ? 'GET hash' : 'POST hash';
    const query = top(preferGetForPersistedQueries ? 'ByGet' : 'ByPost');
    const first = client({ exchanges: exchanges(), preferGetMethod: false });
    await ask(first, query, { limit: 2 });
    assert.equal(first.steps()[0], hashed);
    assert.match(first.steps()[1], / text$/);
    assert.equal(first.sent.length, 2);
    const second = client({ exchanges: exchanges(), preferGetMethod: false });
    await ask(second, query, { limit: 3 });
    assert.deepEqual(second.steps(), [hashed]);
  }
}

async function mutations() {
  const { urql } = client();
  const start = () => urql.mutation(START, { input: {} }).toPromise();
  const first = await start();
  assert.equal(first.error, undefined, `${first.error}`);
  assert.equal(first.data.miningSessionStart.session.status, 'ACTIVE');
  const second = await start();
  assert.deepEqual(second.data.miningSessionStart.userErrors.map(({ code }) => code), ['SESSION_ACTIVE']);
}

async function errors() {
  const codes = ({ error }) => error?.graphQLErrors.map(({ extensions }) => extensions.code);
  const one = client();
  const partly = await one.urql.query(gql`{ serverInfo { environment } miners(first: 1) { nodes { id } } }`, {}).toPromise();
  assert.deepEqual(codes(partly), ['FORBIDDEN']);
  assert.equal(partly.data.serverInfo.environment, 'DEVELOPMENT');
  assert.equal(partly.data.miners, null);
  const unknown = await one.urql.query(gql`{ nothing }`, {}).toPromise();
  assert.deepEqual(codes(unknown), ['GRAPHQL_VALIDATION_FAILED']);
  const stranger = client({ bearer: 'nonsense' });
  const refused = await stranger.urql.query(gql`{ viewer { id } }`, {}).toPromise();
  assert.equal(stranger.sent[0].status, 401);
  assert.deepEqual(codes(refused), ['UNAUTHENTICATED']);
}
