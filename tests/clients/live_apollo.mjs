// Apollo Client 4: subscriptions in parts over HTTP, then over graphql-ws. See live.mjs.
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { scenario } from './live.mjs';

function over(link, close) {
  const apollo = new ApolloClient({ link, cache: new InMemoryCache() });
  const policy = { fetchPolicy: 'no-cache' };
  const result = ({ data, error }) => {
    if (error) throw error;
    return { data };
  };
  return {
    ask: (query) =>
      query.trim().startsWith('mutation')
        ? apollo.mutate({ mutation: gql(query), ...policy }).then(result)
        : apollo.query({ query: gql(query), ...policy }).then(result),
    follow: (query, next, failed = () => {}) => {
      const subscription = apollo.subscribe({ query: gql(query), ...policy }).subscribe({
        next: ({ data, error }) => (error ? failed(error) : next({ data })),
        error: failed,
      });
      return () => subscription.unsubscribe();
    },
    close: async () => {
      apollo.stop();
      await close();
    },
  };
}

// Why a socket was closed stands in the text of its error only.
const refusal = (error) =>
  CombinedGraphQLErrors.is(error) ? error.errors[0].extensions.code : Number(/^Socket closed with event (\d+)/.exec(error.message)?.[1] ?? error.statusCode);

// As browsers and newer Nodes have it: its link looks at the global one to tell errors apart.
globalThis.WebSocket ??= WebSocket;

function overHttp({ url, token }) {
  return over(new HttpLink({ uri: url, headers: { authorization: `Bearer ${token}` } }), () => {});
}

function overSocket({ url, urls = [url], token, retryAttempts = 0 }) {
  let tries = 0;
  const client = createClient({
    url: () => urls[Math.min(tries++, urls.length - 1)].replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: `Bearer ${token}` },
    retryAttempts,
    retryWait: () => Promise.resolve(),
  });
  return over(new GraphQLWsLink(client), () => client.dispose());
}

if (process.argv[6] === 'socket') {
  const connectTwice = (options) => overSocket({ ...options, retryAttempts: 5 });
  await scenario('apollo over graphql-ws', { connect: overSocket, connectTwice, refusal });
} else {
  await scenario('apollo in parts', { connect: overHttp, refusal });
}
