// Carries operations to the server as whoever is signed in: by HTTP, and subscriptions over a socket.
import { createGraphiQLFetcher, type Fetcher } from '@graphiql/toolkit';
import { createClient } from 'graphql-ws';

export interface Connection {
  fetcher: Fetcher;
  /** Ends the socket and what runs on it. */
  close(): void;
}

/** Another token makes another connection, so that nothing goes on running as somebody else. */
export function connect(token: string | null): Connection {
  const authorization: Record<string, string> = token === null ? {} : { Authorization: `Bearer ${token}` };
  const url = new URL('graphql', location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = createClient({ url: url.href, connectionParams: authorization, retryAttempts: 5 });
  const fetcher = createGraphiQLFetcher({
    url: 'graphql',
    wsClient: socket,
    enableIncrementalDelivery: false,
    // A header that was typed into the headers editor wins.
    fetch: (input, init) =>
      fetch(input, {
        ...init,
        headers: { accept: 'application/graphql-response+json', ...authorization, ...(init?.headers as Record<string, string>) },
      }),
  });
  return { fetcher, close: () => void socket.dispose() };
}
