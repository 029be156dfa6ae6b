// graphql-sse in distinct-connections mode. See live.mjs.
import { createClient } from 'graphql-sse';
import { scenario } from './live.mjs';

function connect({ url, token }) {
  const client = createClient({ url, headers: { authorization: `Bearer ${token}` }, retryAttempts: 0 });
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

await scenario('graphql-sse', {
  connect,
  // What fails before it begins has a status, and says in the body what it is.
  refusal: async (error) => (await error.response.json()).errors[0].extensions.code,
});
