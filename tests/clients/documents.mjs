// Generates documents from the schema, damages most of them, and prints graphql-js' verdict on each, a JSON line each:
// node documents.mjs <schema.graphql> <number> <seed>
import { readFileSync } from 'node:fs';
import {
  buildSchema, getNamedType, getNullableType, isAbstractType, isCompositeType, isEnumType, isInputObjectType, isLeafType,
  isListType, isNonNullType, isRequiredArgument, isRequiredInputField, parse, validate,
} from 'graphql';
import { Random } from './random.mjs';

const [, , path, count, seed] = process.argv;
const schema = buildSchema(readFileSync(path, 'utf8'));
const { below, chance, pick } = new Random(seed);

const inputTypes = Object.values(schema.getTypeMap())
  .filter((type) => !type.name.startsWith('__') && (isLeafType(type) || isInputObjectType(type)))
  .map((type) => type.name);
const composites = Object.values(schema.getTypeMap()).filter((type) => isCompositeType(type) && !type.name.startsWith('__'));

// One document, as a tree of plain objects.
class Document {
  variables = new Map();
  fragments = [];

  build() {
    const root = pick([schema.getQueryType(), schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]);
    this.kind = root.name.toLowerCase();
    this.selections = this.select(root, 1 + below(4), this.kind === 'subscription' ? 1 : 3);
    return this;
  }

  select(type, depth, most) {
    const selections = [];
    const fields = Object.values(type.getFields?.() ?? {});
    const number = 1 + below(most);
    for (let i = 0; i < number; i += 1) {
      const makesFragment = most > 1 && chance(0.2);
      if (makesFragment) {
        const possible = isAbstractType(type) ? schema.getPossibleTypes(type) : [type];
        const on = chance(0.2) ? type : pick(possible);
        const below_ = this.select(on, depth, 2);
        if (chance(0.5)) {
          const name = `F${this.fragments.length}`;
          this.fragments.push({ name, on: on.name, selections: below_ });
          selections.push({ spread: name, directives: this.directives() });
        } else {
          selections.push({ on: chance(0.8) || on !== type ? on.name : null, selections: below_, directives: this.directives() });
        }
        continue;
      }
      const possible = fields.filter((field) => depth > 0 || isLeafType(getNamedType(field.type)));
      if (possible.length === 0 || (most > 1 && chance(0.1))) {
        selections.push({ name: '__typename', alias: null, arguments: [], directives: [] });
        continue;
      }
      const field = pick(possible);
      const named = getNamedType(field.type);
      selections.push({
        name: field.name,
        alias: chance(0.6) ? `a${below(1e6)}` : null,
        arguments: field.args.filter((argument) => isRequiredArgument(argument) || chance(0.5))
          .map((argument) => ({ name: argument.name, value: this.value(argument.type, true, argument.defaultValue !== undefined) })),
        directives: this.directives(),
        selections: isCompositeType(named) ? this.select(named, depth - 1, 3) : null,
      });
    }
    return selections;
  }

  directives() {
    if (!chance(0.12)) return [];
    const value = chance(0.5) ? { text: 'true' } : this.variable('Boolean!', false);
    return [{ name: pick(['include', 'skip']), arguments: [{ name: 'if', value }] }];
  }

  variable(type, hasDefault) {
    const name = `v${this.variables.size}`;
    const stricter = !type.endsWith('!') && chance(0.3) ? `${type}!` : type;
    const loosened = hasDefault && type.endsWith('!') && chance(0.5) ? type.slice(0, -1) : stricter;
    // A default of null stands for no value.
    const isNull = chance(0.05);
    this.variables.set(name, { type: isNull ? loosened.replace(/!$/, '') : loosened, fallback: isNull ? 'null' : null });
    return { variable: name };
  }

  value(type, mayVary, hasDefault = false) {
    if (mayVary && chance(0.3)) return this.variable(String(type), hasDefault);
    if (!isNonNullType(type) && chance(0.1)) return { text: 'null' };
    const nullable = getNullableType(type);
    if (isListType(nullable)) {
      if (chance(0.2)) return this.value(nullable.ofType, mayVary);
      return { list: Array.from({ length: below(3) }, () => this.value(nullable.ofType, mayVary)) };
    }
    if (isEnumType(nullable)) return { text: pick(nullable.getValues()).name };
    if (isInputObjectType(nullable)) {
      const fields = Object.values(nullable.getFields());
      const given = nullable.isOneOf
        ? [pick(fields)]
        : fields.filter((field) => isRequiredInputField(field) || chance(0.4));
      return {
        fields: given.map((field) => {
          if (!nullable.isOneOf) return { name: field.name, value: this.value(field.type, mayVary, field.defaultValue !== undefined) };
          const named = String(getNullableType(field.type));
          return { name: field.name, value: mayVary && chance(0.3) ? this.variable(`${named}!`, false) : this.literal(field.type) };
        }),
      };
    }
    return this.scalar(nullable.name);
  }

  literal(type) {
    const nullable = getNullableType(type);
    const value = this.value(nullable, false);
    return value.text === 'null' ? this.literal(type) : value;
  }

  scalar(name) {
    switch (name) {
      case 'Int': return { text: String(below(100)) };
      case 'Float': return { text: pick(['1.5', '2', '1e3']) };
      case 'Boolean': return { text: pick(['true', 'false']) };
      case 'ID': return { text: pick(['"id"', '7']) };
      default: return { text: '"text"' };
    }
  }

  // All lists of a kind below a selection set.
  fields(selections = this.selections, found = []) {
    for (const selection of selections) {
      if (selection.name) found.push(selection);
      if (selection.selections) this.fields(selection.selections, found);
    }
    return found;
  }

  values(found = []) {
    const visit = (holder) => {
      found.push(holder);
      const { value } = holder;
      value.list?.forEach((item, index) => visit({ get value() { return value.list[index]; }, set value(next) { value.list[index] = next; } }));
      value.fields?.forEach(visit);
    };
    const all = [...this.fields(), ...this.fragments.flatMap((fragment) => this.fields(fragment.selections))];
    for (const field of all) {
      field.arguments.forEach(visit);
      field.directives.forEach((directive) => directive.arguments.forEach(visit));
    }
    return found;
  }

  print() {
    const value = (v) => {
      if (v.variable) return `$${v.variable}`;
      if (v.list) return `[${v.list.map(value).join(', ')}]`;
      if (v.fields) return `{${v.fields.map((field) => `${field.name}: ${value(field.value)}`).join(', ')}}`;
      return v.text;
    };
    const args = (list) => (list.length ? `(${list.map((argument) => `${argument.name}: ${value(argument.value)}`).join(', ')})` : '');
    const directives = (list) => (list ?? []).map((directive) => ` @${directive.name}${args(directive.arguments)}`).join('');
    const select = (list) => `{ ${list.map((s) => {
      if (s.spread) return `...${s.spread}${directives(s.directives)}`;
      if (!s.name) return `...${s.on ? ` on ${s.on}` : ''}${directives(s.directives)} ${select(s.selections)}`;
      return `${s.alias ? `${s.alias}: ` : ''}${s.name}${args(s.arguments)}${directives(s.directives)}${s.selections ? ` ${select(s.selections)}` : ''}`;
    }).join(' ')} }`;
    const variables = [...this.variables].map(([name, v]) => `$${name}: ${spaced(v.type)}${v.fallback ? ` = ${v.fallback}` : ''}${v.directives ?? ''}`);
    const head = variables.length ? `${this.kind} D(${variables.join(', ')})` : this.kind;
    const fragments = this.fragments.map((f) => ` fragment ${f.name} on ${f.on}${directives(f.directives)} ${select(f.selections)}`);
    return `${head}${directives(this.rootDirectives)} ${select(this.selections)}${fragments.join('')}${this.more ?? ''}`;
  }
}

// A type with blanks, commas and comments between its tokens.
const spaced = (type) => type.replace(/[[\]!]|\w+/g, (token) => (chance(0.05) ? pick([' ', ',', '\n', ' #[c!\n']) : '') + token);

const LITERALS = ['1', '-1', '1.5', '"text"', 'true', 'null', 'ACTIVE', '[]', '[1]', '{}', '{a: 1}', '99999999999', '""', '"ACTIVE"', '[null]'];
const DIRECTIVES = ['@include', '@include(if: 1)', '@skip(iff: true)', '@include(if: $b)', '@include(if: true) @include(if: true)', '@deprecated', '@oneOf', '@nothing', '@skip(if: null)', '@specifiedBy(url: "x")', '@include(if: true, if: true)'];
// A directive as it is written.
const raw = (text) => ({ name: text.slice(1), arguments: [] });

// Ways to damage a document; some leave it valid.
const DAMAGES = [
  (d) => { if (d.variables.size) { const v = pick([...d.variables.values()]); v.type = pick(inputTypes) + pick(['', '!']); } },
  (d) => { if (d.variables.size) { const v = pick([...d.variables.values()]); v.type = pick([`[${v.type}]`, `[${v.type}]!`, v.type.replace(/!$/, ''), v.type.replace(/[[\]!]/g, '')]); } },
  (d) => { if (d.variables.size) { const v = pick([...d.variables.values()]); v.fallback = pick(LITERALS); } },
  (d) => { if (d.variables.size) { const v = pick([...d.variables.values()]); v.type = pick(composites).name; } },
  (d) => { if (d.variables.size) d.variables.delete(pick([...d.variables.keys()])); },
  (d) => { d.variables.set('unused', { type: 'Int' }); },
  (d) => { if (d.variables.size) { const v = pick([...d.variables.values()]); v.directives = ` ${pick(DIRECTIVES)}`; } },
  (d) => { pick(d.fields()).directives.push(raw(pick(DIRECTIVES))); },
  (d) => { pick(d.fields()).directives.push(raw(pick(DIRECTIVES))); },
  (d) => { d.rootDirectives = [raw(pick(DIRECTIVES))]; },
  (d) => { const values = d.values(); if (values.length) pick(values).value = { text: pick(LITERALS) }; },
  (d) => { const values = d.values(); if (values.length) pick(values).value = { text: pick(LITERALS) }; },
  (d) => { const values = d.values(); if (values.length) pick(values).value = { variable: pick([...d.variables.keys(), 'nowhere']) }; },
  (d) => { const objects = d.values().filter((v) => v.value.fields?.length); if (objects.length) { const { fields } = pick(objects).value; fields.push({ ...pick(fields) }); } },
  (d) => { const objects = d.values().filter((v) => v.value.fields?.length); if (objects.length) { const { fields } = pick(objects).value; fields.splice(below(fields.length), 1); } },
  (d) => { const objects = d.values().filter((v) => v.value.fields); if (objects.length) pick(objects).value.fields.push({ name: pick(['nothing', 'id', 'uuid', 'code', 'reason']), value: { text: pick(LITERALS) } }); },
  (d) => { const objects = d.values().filter((v) => v.value.fields); if (objects.length) for (const field of pick(objects).value.fields) { if (chance(0.5)) field.value = { text: 'null' }; } },
  (d) => { const enums = d.values().filter((v) => /^[A-Z_]+$/.test(v.value.text ?? '')); if (enums.length) { const holder = pick(enums); holder.value = { text: `"${holder.value.text}"` }; } },
  (d) => { pick(d.fields()).arguments.push({ name: pick(['nothing', 'first', 'id', 'input']), value: { text: pick(LITERALS) } }); },
  (d) => { const { arguments: list } = pick(d.fields()); if (list.length) list.push({ ...pick(list) }); },
  (d) => { const { arguments: list } = pick(d.fields()); if (list.length) list.pop(); },
  (d) => { pick(d.fields()).name = pick(['nothing', 'id', 'uuid', '__typename', '__schema', 'status']); },
  (d) => { const field = pick(d.fields()); field.selections = field.selections ? null : [{ name: pick(['a', 'id', '__typename']), arguments: [], directives: [] }]; },
  (d) => { const fields = d.fields(); const alias = pick(['same', 'id']); for (let i = 0; i < 3; i += 1) pick(fields).alias = alias; },
  (d) => { const field = pick(d.fields()); const copy = structuredClone(field); copy.arguments = copy.arguments.map((a) => ({ ...a, value: { text: pick(LITERALS) } })); field.selections?.push(copy); d.selections.push(copy); },
  (d) => { if (d.fragments.length) { const f = pick(d.fragments); f.on = pick([pick(composites).name, 'Int', 'Nothing', pick(inputTypes)]); } },
  (d) => { if (d.fragments.length) pick(d.fragments).selections.push({ spread: pick(d.fragments).name }); },
  (d) => { if (d.fragments.length) d.fragments.splice(below(d.fragments.length), 1); },
  (d) => { if (d.fragments.length) d.fragments.push({ ...pick(d.fragments) }); },
  (d) => { d.fragments.push({ name: 'Unused', on: 'Query', selections: [{ name: '__typename', arguments: [], directives: [] }] }); },
  (d) => { const field = pick(d.fields()); if (field.selections) field.selections.push({ on: pick(composites).name, selections: [{ name: '__typename', arguments: [], directives: [] }] }); },
  (d) => { d.more = pick([' { __typename }', ' query D { __typename }', ' query E { __typename }', ' mutation D { __typename }', ' type T { a: Int }']); },
  (d) => { if (d.kind === 'subscription') d.selections.push(...structuredClone(d.selections)); },
  (d) => { if (d.kind === 'subscription') d.selections.push(...structuredClone(d.selections), { name: '__typename', arguments: [], directives: [] }); },
  (d) => { d.selections.push({ name: '__typename', alias: 'kind', arguments: [], directives: [], selections: chance(0.5) ? [{ name: 'a', arguments: [], directives: [] }] : null }); },
];

for (let printed = 0; printed < Number(count);) {
  const document = new Document().build();
  const damages = pick([0, 1, 1, 1, 2]);
  for (let i = 0; i < damages; i += 1) {
    if (document.fields().length) pick(DAMAGES)(document);
  }
  const query = document.print();
  let errors;
  try {
    errors = validate(schema, parse(query)).map((error) => error.message);
  } catch {
    continue; // Not GraphQL: parsers are compared elsewhere.
  }
  console.log(JSON.stringify({ query, errors }));
  printed += 1;
}
