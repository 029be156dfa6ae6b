// The example operations: one file each, which a test of the server asks as whoever they are meant for.

export interface Example {
  /** Names it in links: /graphiql?example=claim. */
  name: string;
  /** What one wants. */
  group: string;
  title: string;
  /** Whom of the demo data to be. */
  as: string;
  note: string;
  query: string;
  variables: string;
}

const queries = import.meta.glob<string>('../examples/*.graphql', { query: '?raw', import: 'default', eager: true });
const variables = import.meta.glob<string>('../examples/*.json', { query: '?raw', import: 'default', eager: true });

/** All of them, in the order of their files. */
export const EXAMPLES: Example[] = Object.entries(queries)
  .sort(([one], [other]) => (one < other ? -1 : 1))
  .map(([path, text]) => read(path, text));

/** Those of each group, in order. */
export const GROUPS: [string, Example[]][] = [...Map.groupBy(EXAMPLES, (example) => example.group)];

/** Its variables, with a new key wherever a fresh one is wanted: an old one would answer what it answered before. */
export function freshVariables(example: Example): string {
  return example.variables.replaceAll('<fresh>', () => freshKey());
}

/** Begins with `# Group: Title`, then `# As: name`, then a note. */
function read(path: string, text: string): Example {
  const lines = text.split('\n');
  const body = lines.findIndex((line) => !line.startsWith('#'));
  const [heading = '', as = '', ...note] = lines.slice(0, body).map((line) => line.slice(1).trim());
  const [group = '', title = ''] = heading.split(': ');
  const name = path.replace(/^.*\/\d+-/, '').replace(/\.graphql$/, '');
  return {
    name,
    group,
    title,
    as: as.replace('As: ', ''),
    note: note.join(' '),
    query: [`# ${title}`, ...lines.slice(body)].join('\n').trim(),
    variables: variables[path.replace(/graphql$/, 'json')]?.trim() ?? '',
  };
}

/** `crypto.randomUUID` is missing on pages without TLS that are not on this machine. */
function freshKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
