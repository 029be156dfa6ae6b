// Whose token the page uses. It is kept for this browser tab only, and never sent anywhere but to this server.

const KEY = 'goodgo.token';

/** What the server says about whoever asks. */
export interface Who {
  name: string;
  roles: string[];
  expiresAt: Date | null;
}

/** The server, asked with a token, and what it is run for. */
export interface Greeting {
  environment: string;
  /** Null for nobody. */
  who: Who | null;
}

/** Somebody of the demo data. */
export interface Person {
  name: string;
  token: string;
}

/** The server looked at the token and said no. */
export class Refused extends Error {}

export function remembered(): string | null {
  return sessionStorage.getItem(KEY);
}

export function remember(token: string | null): void {
  if (token === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, token);
}

/** The token in what somebody pasted, which may be a whole header. */
export function tokenIn(text: string): string | null {
  const token = text.trim().replace(/^(authorization:\s*)?bearer\s+/i, '');
  return /^[\w.~+/=-]+$/.test(token) ? token : null;
}

/** Asks the server who a token is. */
export async function greet(token: string | null): Promise<Greeting> {
  const response = await fetch('graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query: 'query Greeting { serverInfo { environment } viewer { id user { displayName } roles } }' }),
  });
  const { data, errors } = (await response.json()) as {
    data?: { serverInfo: { environment: string } | null; viewer: { id: string; user: { displayName: string } | null; roles: string[] } | null };
    errors?: { message: string }[];
  };
  if (response.status === 401) throw new Refused(errors?.[0]?.message ?? 'the token is not valid');
  if (!data?.serverInfo) throw new Error(errors?.[0]?.message ?? `the server answered ${response.status}`);
  const environment = data.serverInfo.environment;
  if (token === null) return { environment, who: null };
  const claims = claimsOf(token);
  const expiresAt = typeof claims.exp === 'number' ? new Date(claims.exp * 1000) : null;
  const who = data.viewer
    ? { name: claims.name ?? data.viewer.user?.displayName ?? data.viewer.id, roles: data.viewer.roles, expiresAt }
    : { name: claims.sub ?? 'a service', roles: ['SERVICE'], expiresAt };
  return { environment, who };
}

/** The demo people, whom the server offers in development, to pages it served itself. */
export async function people(): Promise<Person[]> {
  const response = await fetch('graphiql/people');
  if (!response.ok) throw new Error('the demo people are only for browsers on the same machine');
  return (await response.json()) as Person[];
}

/** The user id of a demo person; null where there are none. */
export async function idOf(name: string): Promise<string | null> {
  const person = (await people().catch(() => [] as Person[])).find((one) => one.name === name);
  return person ? (claimsOf(person.token).sub ?? null) : null;
}

/** What a token says about itself: to show a name, never to decide anything. */
function claimsOf(token: string): { name?: string; sub?: string; exp?: number } {
  try {
    const part = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(part), (char) => char.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) as { name?: string; sub?: string; exp?: number };
  } catch {
    return {};
  }
}
