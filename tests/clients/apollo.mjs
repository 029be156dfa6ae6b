// Apollo Client 4, as a web application has it: cache, persisted queries, errors, a subscription.
//
//   node tests/clients/apollo.mjs <base URL> <token of a user with a miner and no session>
//
// What it sends is read off its `fetch`, so that persisted queries are seen on the wire.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  ApolloClient,
  ApolloLink,
  CombinedGraphQLErrors,
  HttpLink,
  InMemoryCache,
  ServerError,
  gql,
} from '@apollo/client';
import { createPersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [base, token] = process.argv.slice(2);
assert(base && token, 'usage: node apollo.mjs <base URL> <token>');
const uri = new URL('/graphql', base).href;
const sha256 = (text) => createHash('sha256').update(text).digest('hex');

/** A client, and what it sent: method, query string or body, and the status it got. */
function client({ bearer = token, headers = {}, link = (http) => http } = {}) {
  const sent = [];
  const http = new HttpLink({
    uri,
    headers: { authorization: `Bearer ${bearer}`, ...headers },
    fetch: async (url, options) => {
      const response = await fetch(url, options);
      const query = Object.fromEntries(new URL(url).searchParams);
      const said = options.body ? JSON.parse(options.body) : query;
      sent.push({ method: options.method, status: response.status, hasText: 'query' in said, said });
      return response;
    },
  });
  return { sent, apollo: new ApolloClient({ link: link(http), cache: new InMemoryCache() }) };
}

const MINER = gql`query Mine { viewer { id miner { id referralCode status session { id status } } } }`;
const TOP = gql`query Top($limit: Int!) { leaderboard(limit: $limit) { entries { rank miner { id displayName } } } }`;
const START = gql`mutation Start($input: MiningSessionStartInput!) {
  miningSessionStart(input: $input) { session { id status miner { id session { id status } } } userErrors { code message } }
}`;
const WATCH = gql`subscription Watch { minerUpdated { __typename sequence miner { id session { id status } } } }`;

const parts = { variablesAndErrors, persisted, subscriptionAndCache };
for (const [name, part] of Object.entries(parts)) {
  await part();
  console.log(`apollo: ${name}: ok`);
}

async function variablesAndErrors() {
  const { apollo } = client();
  const top = await apollo.query({ query: TOP, variables: { limit: 3 } });
  assert(top.data.leaderboard.entries.length <= 3);

  // By code: of a document, of a value, of a field somebody may not see; the rest of the data is there.
  const failed = async (options, errorPolicy = 'none', by = apollo) =>
    by.query({ fetchPolicy: 'network-only', errorPolicy, ...options }).then(
      ({ error, data }) => ({ error, data }),
      (error) => ({ error }),
    );
  const codes = (error) => {
    assert(CombinedGraphQLErrors.is(error), `not GraphQL errors: ${error}`);
    return error.errors.map(({ extensions }) => extensions.code);
  };
  const unknown = await failed({ query: gql`{ nothing }` });
  assert.deepEqual(codes(unknown.error), ['GRAPHQL_VALIDATION_FAILED']);
  const many = await failed({ query: TOP, variables: { limit: 1000 } });
  assert.deepEqual(codes(many.error), ['BAD_USER_INPUT']);
  const staff = gql`{ serverInfo { environment } miners(first: 1) { nodes { id } } }`;
  const partly = await failed({ query: staff }, 'all');
  assert.deepEqual(codes(partly.error), ['FORBIDDEN']);
  assert.deepEqual(partly.error.errors[0].path, ['miners']);
  assert.equal(partly.data.serverInfo.environment, 'DEVELOPMENT');
  assert.equal(partly.data.miners, null);

  // Without a token that is good, nothing is executed, and the status says so. The body is GraphQL under the media
  // type of its own, so this client reads the code; by `application/json` it reads the status.
  const stranger = client({ bearer: 'nonsense' });
  const refused = await failed({ query: MINER }, 'none', stranger.apollo);
  assert.equal(stranger.sent[0].status, 401);
  assert.deepEqual(codes(refused.error), ['UNAUTHENTICATED']);
  const older = client({ bearer: 'nonsense', headers: { accept: 'application/json' } });
  const byStatus = await failed({ query: MINER }, 'none', older.apollo);
  assert(ServerError.is(byStatus.error), `${byStatus.error}`);
  assert.equal(byStatus.error.statusCode, 401);
}

/** The hash first; the text only when it isn't known; from then on only the hash. */
async function persisted() {
  for (const useGETForHashedQueries of [false, true]) {
    const link = (http) => createPersistedQueryLink({ sha256, useGETForHashedQueries }).concat(http);
    const query = useGETForHashedQueries
      ? gql`query ByGet($limit: Int!) { leaderboard(limit: $limit) { entries { rank } } }`
      : gql`query ByPost($limit: Int!) { leaderboard(limit: $limit) { entries { rank } } }`;
    const first = client({ link });
    await first.apollo.query({ query, variables: { limit: 2 } });
    const hashed = useGETForHashedQueries ? 'GET' : 'POST';
    const steps = ({ sent }) => sent.map(({ method, hasText }) => `${method} ${hasText ? 'text' : 'hash'}`);
    assert.deepEqual(steps(first), [`${hashed} hash`, 'POST text']);
    const second = client({ link });
    await second.apollo.query({ query, variables: { limit: 3 } });
    assert.deepEqual(steps(second), [`${hashed} hash`]);
    const extensions = (said) => (typeof said.extensions === 'string' ? JSON.parse(said.extensions) : said.extensions);
    const { persistedQuery } = extensions(second.sent[0].said);
    assert.equal(persistedQuery.sha256Hash, sha256(first.sent[1].said.query));
  }
}

/** One client watches, another one acts: the first one's cache follows, by global ids, without asking again. */
async function subscriptionAndCache() {
  const socket = createClient({
    url: uri.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: `Bearer ${token}` },
    retryAttempts: 0,
  });
  const live = new GraphQLWsLink(socket);
  const { apollo, sent } = client({ link: (http) => ApolloLink.split(({ operationType }) => operationType === 'subscription', live, http) });

  const seen = await apollo.query({ query: MINER });
  const { miner } = seen.data.viewer;
  assert.equal(miner.session, null);
  const again = await apollo.query({ query: MINER });
  assert.deepEqual(again.data, seen.data);
  assert.equal(sent.length, 1, 'the second answer is the cache\'s');
  const entity = { __typename: 'Miner', id: miner.id };
  const fragment = gql`fragment Name on Miner { referralCode }`;
  const named = apollo.cache.readFragment({ id: apollo.cache.identify(entity), fragment });
  assert.equal(named.referralCode, miner.referralCode, 'the cache knows it by its global id');

  const watched = [];
  const watching = apollo.watchQuery({ query: MINER }).subscribe(({ data }) => data && watched.push(data.viewer?.miner.session?.status));
  const events = [];
  const arrived = new Promise((resolve, reject) => {
    apollo.subscribe({ query: WATCH }).subscribe({
      next: ({ data, error }) => (error ? reject(error) : resolve(events.push(data.minerUpdated))),
      error: reject,
    });
  });
  // The server takes the messages of a socket in order: once this is answered, it follows.
  await new Promise((resolve, reject) => socket.subscribe({ query: '{ __typename }' }, { next() {}, error: reject, complete: resolve }));

  const other = client();
  const started = await other.apollo.mutate({ mutation: START, variables: { input: {} } });
  assert.deepEqual(started.data.miningSessionStart.userErrors, []);
  await within(arrived, 'an event');
  assert.equal(events[0].__typename, 'MiningSessionStarted');
  assert.equal(events[0].miner.session.id, started.data.miningSessionStart.session.id);
  await within(until(() => watched.at(-1) === 'ACTIVE'), 'what is watched, after the event,');
  assert.equal(sent.length, 1, 'nothing was asked again');

  // What a person can mend is data.
  const twice = await other.apollo.mutate({ mutation: START, variables: { input: {} } });
  assert.deepEqual(twice.data.miningSessionStart.userErrors.map(({ code }) => code), ['SESSION_ACTIVE']);
  watching.unsubscribe();
  apollo.stop();
  await socket.dispose();
}

async function until(condition) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

function within(promise, what) {
  const late = new Promise((_, reject) => setTimeout(reject, 120_000, new Error(`${what} doesn't arrive`)).unref());
  return Promise.race([promise, late]);
}
