// The bar on top: who one is, and how to become somebody else.
import { DropdownMenu } from '@graphiql/react';
import { type FormEvent, useEffect, useId, useRef, useState } from 'react';
import { greet, type Greeting, people, type Person, Refused, tokenIn } from './session';

interface Props {
  token: string | null;
  /** Takes a token the server has looked at; null signs out. */
  onToken(token: string | null): void;
}

export function Bar({ token, onToken }: Props) {
  const [draft, setDraft] = useState(token ?? '');
  const [greeting, setGreeting] = useState<Greeting | null>(null);
  const [names, setNames] = useState<string[]>([]);
  const [problem, setProblem] = useState('');
  const field = useId();
  const attempt = useRef(0);

  /** Asks the server who that is before the page uses it. */
  async function become(candidate: string | null) {
    const mine = ++attempt.current;
    setProblem('');
    try {
      const heard = await greet(candidate);
      if (mine !== attempt.current) return;
      setGreeting(heard);
      setDraft(candidate ?? '');
      onToken(candidate);
      return heard;
    } catch (error) {
      if (mine !== attempt.current) return;
      setProblem(error instanceof Error ? error.message : String(error));
      // What was remembered and isn't good any more is forgotten.
      if (error instanceof Refused && candidate === token) {
        setDraft('');
        onToken(null);
        setGreeting((before) => before && { ...before, who: null });
      }
      return;
    }
  }

  async function start() {
    let heard = await become(token);
    if (!heard && token !== null) heard = await greet(null).catch(() => undefined);
    if (heard?.environment !== 'DEVELOPMENT') return;
    setGreeting((before) => before ?? heard);
    setNames((await people().catch(() => [] as Person[])).map((person) => person.name));
  }
  useEffect(() => void start(), []);

  // A token that expires while the page is open is said to, not found out by the next operation.
  const expiresAt = greeting?.who?.expiresAt?.getTime();
  useEffect(() => {
    const left = expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt - Date.now();
    if (left > 2 ** 31 - 1) return;
    const timer = setTimeout(() => setProblem('the token has expired: sign in again'), Math.max(left, 0));
    return () => clearTimeout(timer);
  }, [expiresAt]);

  async function becomePerson(name: string) {
    try {
      // Asked for anew: tokens expire, and each start of the server puts new users behind the names.
      const person = (await people()).find((one) => one.name === name);
      if (person) await become(person.token);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    const typed = tokenIn(draft);
    if (typed === null) setProblem(draft.trim() ? 'that is no token' : 'paste a token first');
    else void become(typed);
  }

  const isSignedIn = token !== null && draft === token;
  return (
    <header className="goodgo-bar graphiql-container">
      <a className="goodgo-name" href="/">
        GoodGo
      </a>
      <div className="goodgo-who">
        <span role="status">{describe(greeting)}</span>
        {problem && (
          <span role="alert" className="goodgo-problem">
            {problem}
          </span>
        )}
      </div>
      <form className="goodgo-session" onSubmit={submit}>
        {names.length > 0 && (
          <DropdownMenu>
            <DropdownMenu.Button className="goodgo-button">Sign in as ▾</DropdownMenu.Button>
            <DropdownMenu.Content align="end" className="goodgo-people">
              {names.map((name) => (
                <DropdownMenu.Item key={name} onSelect={() => void becomePerson(name)}>
                  {name}
                </DropdownMenu.Item>
              ))}
            </DropdownMenu.Content>
          </DropdownMenu>
        )}
        <label htmlFor={field}>Token</label>
        <input
          id={field}
          value={draft}
          onChange={(event) => setDraft(event.target.value)}
          placeholder="paste a bearer token"
          autoComplete="off"
          spellCheck={false}
        />
        {isSignedIn ? (
          <button type="button" className="goodgo-button" onClick={() => void become(null)}>
            Sign out
          </button>
        ) : (
          <button type="submit" className="goodgo-button">
            Sign in
          </button>
        )}
      </form>
    </header>
  );
}

function describe(greeting: Greeting | null): string {
  if (!greeting) return '';
  if (!greeting.who) return 'Not signed in';
  const { name, roles, expiresAt } = greeting.who;
  return `Signed in as ${name} (${roles.join(', ')})${expiresAt ? `, until ${moment(expiresAt)}` : ''}`;
}

/** A day of this week by its name, another by its date. */
function moment(at: Date): string {
  const isNear = at.getTime() - Date.now() < 6 * 86_400_000;
  const day: Intl.DateTimeFormatOptions = isNear ? { weekday: 'short' } : { year: 'numeric', month: 'short', day: 'numeric' };
  return at.toLocaleString([], { ...day, hour: '2-digit', minute: '2-digit' });
}
