// graphql-ws 6: graphql-transport-ws. See live.mjs.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { scenario } from './live.mjs';

function connect({ url, urls = [url], token, retryAttempts = 0 }) {
  let tries = 0;
  const client = createClient({
    url: () => urls[Math.min(tries++, urls.length - 1)].replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: `Bearer ${token}` },
    keepAlive: 200,
    retryAttempts,
    retryWait: () => Promise.resolve(),
  });
  return {
    ask: (query) =>
      new Promise((resolve, reject) => {
        let result;
        client.subscribe({ query }, { next: (value) => (result = value), error: reject, complete: () => resolve(result) });
      }),
    follow: (query, next, error = () => {}) => client.subscribe({ query }, { next, error, complete() {} }),
    close: () => client.dispose(),
  };
}

await scenario('graphql-ws', {
  connect,
  connectTwice: (options) => connect({ ...options, retryAttempts: 5 }),
  refusal: (error) => (Array.isArray(error) ? error[0].extensions.code : error.code),
});
