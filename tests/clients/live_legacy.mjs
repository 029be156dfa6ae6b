// subscriptions-transport-ws: the older graphql-ws. See live.mjs.
import { createRequire } from 'node:module';
import WebSocket from 'ws';
import { scenario } from './live.mjs';

const { SubscriptionClient } = createRequire(import.meta.url)('subscriptions-transport-ws');

function connect({ url, urls = [url], token, reconnect = false }) {
  const socket = (at) => at.replace('http', 'ws');
  let refused;
  let refuse;
  const refusal = new Promise((_, reject) => (refuse = reject));
  refusal.catch(() => {});
  const client = new SubscriptionClient(
    socket(urls[0]),
    {
      connectionParams: { Authorization: `Bearer ${token}` },
      connectionCallback: (error) => error && refuse((refused = error)),
      reconnect,
    },
    WebSocket,
  );
  // It has one address for all its life, but looks at it each time it connects.
  client.onDisconnected(() => (client.url = socket(urls.at(-1))));
  const follow = (query, next, error = () => {}, complete = () => {}) => {
    const { unsubscribe } = client.request({ query }).subscribe({ next, error, complete });
    return unsubscribe;
  };
  return {
    ask: (query) =>
      Promise.race([
        refusal,
        new Promise((resolve, reject) => {
          let result;
          follow(query, (value) => (result = value), reject, () => resolve(result));
        }),
      ]),
    follow,
    close: () => client.close(true, true),
  };
}

await scenario('subscriptions-transport-ws', {
  connect,
  connectTwice: (options) => connect({ ...options, reconnect: true }),
  // Errors of operations come as what GraphQL says, those of the socket as its last words.
  refusal: (error) => (error.extensions?.closeCode ?? error.extensions?.code ?? error[0]?.extensions.code),
});
