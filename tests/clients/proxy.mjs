// A proxy that serves a server below a path and on another port, and sends the server's own name as host.
import { createServer, request } from 'node:http';
import { connect } from 'node:net';

/** Serves a server at a URL of this machine. */
export async function serveBelow(below, base) {
  const { hostname, port, host } = new URL(base);
  const path = new URL(below).pathname;
  const inner = (url) => (url.startsWith(`${path}/`) ? url.slice(path.length) : null);
  const server = createServer((incoming, answer) => {
    const url = inner(incoming.url);
    if (url === null) return answer.writeHead(404).end();
    const { method, headers } = incoming;
    const outgoing = request({ hostname, port, path: url, method, headers: { ...headers, host } }, (reply) => {
      answer.writeHead(reply.statusCode, reply.headers);
      reply.pipe(answer);
    });
    outgoing.on('error', () => answer.destroy());
    incoming.pipe(outgoing);
  });
  server.on('upgrade', (incoming, client) => {
    const socket = connect(port, hostname, () => {
      const headers = Object.entries({ ...incoming.headers, host }).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`GET ${inner(incoming.url)} HTTP/1.1\r\n${headers.join('')}\r\n`);
      socket.pipe(client).pipe(socket);
    });
    for (const [end, other] of [[socket, client], [client, socket]]) {
      end.on('error', () => end.destroy());
      end.on('close', () => other.destroy());
    }
  });
  await new Promise((resolve) => server.listen(new URL(below).port, 'localhost', resolve));
  server.unref();
}
