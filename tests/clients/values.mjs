// Prints random values of variables with graphql-js' verdict on each, a JSON line each:
// node values.mjs <schema.graphql> <number> <seed>
import { readFileSync } from 'node:fs';
import {
  buildSchema, getNullableType, isEnumType, isInputObjectType, isListType, isRequiredInputField, parse, typeFromAST,
} from 'graphql';
import { getVariableValues } from 'graphql/execution/values.js';
import { Random } from './random.mjs';

const [, , path, count, seed] = process.argv;
const schema = buildSchema(readFileSync(path, 'utf8'));
const { below, chance, pick } = new Random(seed);

// The grammars of the scalars, written from what their `@specifiedBy` and description say.
const isWhole = (value) => typeof value === 'number' && Number.isSafeInteger(value);
const isDate = (text) => {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})/.exec(text);
  const date = new Date(Date.UTC(year, month - 1, day));
  return Number(year) >= 1970 && date.getUTCMonth() === month - 1 && date.getUTCDate() === Number(day);
};
const digits = (text) => text.replace(/^[+-]/, '').replace(/^0+/, '').replace('.', '').replace(/^0+/, '').length;
const GRAMMARS = {
  UUID: (v) => typeof v === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(v),
  Decimal: (v) => isWhole(v) || (typeof v === 'string' && /^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(v) && digits(v) <= 28),
  DateTime: (v) => typeof v === 'string'
    && /^\d{4}-\d{2}-\d{2}[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?[Zz]$/.test(v) && isDate(v),
  BigInt: (v) => isWhole(v) || (typeof v === 'string' && /^[+-]?\d+$/.test(v)
    && BigInt(v.replace('+', '')) >= -(2n ** 63n) && BigInt(v.replace('+', '')) < 2n ** 63n),
  CurrencyCode: (v) => typeof v === 'string' && /^[A-Z0-9]{1,10}$/.test(v),
  TimeZone: (v) => typeof v === 'string' && /^(Asia\/Ho_Chi_Minh|UTC)$/.test(v),
};
for (const [name, accepts] of Object.entries(GRAMMARS)) {
  const scalar = schema.getType(name);
  scalar.parseValue = (value) => {
    if (!accepts(value)) throw new Error(`not a ${name}`);
    return value;
  };
}

const SAMPLES = {
  UUID: '0190f5a2-7c1e-7000-8000-000000000001',
  Decimal: '6.2500',
  DateTime: '2027-01-15T08:00:00.123456Z',
  BigInt: '9007199254740993',
  CurrencyCode: 'MP',
  TimeZone: 'Asia/Ho_Chi_Minh',
};
const SIGNS = ['0', '1', '9', '-', '+', '.', ' ', '_', 'e', 'T', 't', 'Z', 'z', ':', 'a', 'F', '', '60', '31', '02', '\u0661', '{', '0000000000'];
const near = (text) => {
  let changed = text;
  for (let i = below(3); i > 0; i -= 1) {
    const at = below(changed.length + 1);
    changed = changed.slice(0, at) + pick(SIGNS) + changed.slice(at + below(3));
  }
  return changed;
};
const ANY = [null, true, 0, 1, -1, 1.5, 5.0, 1e3, 2147483647, 2147483648, -2147483649, '', 'text', '1', [], [null], [1], {}, { id: 'x' }];

function value(type) {
  if (chance(0.08)) return structuredClone(pick(ANY));
  const nullable = getNullableType(type);
  if (nullable === type && chance(0.1)) return null;
  if (isListType(nullable)) {
    if (chance(0.2)) return value(nullable.ofType);
    return Array.from({ length: below(3) }, () => value(nullable.ofType));
  }
  if (isEnumType(nullable)) return chance(0.1) ? 'NOTHING' : pick(nullable.getValues()).name;
  if (isInputObjectType(nullable)) {
    const fields = Object.values(nullable.getFields());
    const one = nullable.isOneOf && chance(0.8);
    const given = one ? [pick(fields)] : fields.filter((field) => (isRequiredInputField(field) ? chance(0.95) : chance(0.4)));
    const entries = given.map((field) => [field.name, value(field.type)]);
    if (chance(0.04)) entries.push([pick(['nothing', 'id']), value(schema.getType('ID'))]);
    return Object.fromEntries(entries);
  }
  const sample = SAMPLES[nullable.name];
  if (sample) return near(sample);
  switch (nullable.name) {
    case 'Int': return pick([0, 7, -5, 2147483647]);
    case 'Float': return pick([0, 1.5]);
    case 'Boolean': return chance(0.5);
    case 'ID': return pick(['x', 7, '']);
    default: return 'text';
  }
}

const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
const types = [...new Set(roots.flatMap((root) => Object.values(root.getFields()))
  .flatMap((field) => field.args.map((argument) => String(argument.type))))];
types.push(...Object.keys(SAMPLES), '[Int!]!', '[[Int]]', 'Boolean!');

for (let printed = 0; printed < Number(count); printed += 1) {
  const query = `query ($v: ${pick(types)}) { __typename }`;
  const [{ variableDefinitions }] = parse(query).definitions;
  const type = typeFromAST(schema, variableDefinitions[0].type);
  // The values are judged as JSON has them.
  const variables = JSON.parse(JSON.stringify(chance(0.04) ? {} : { v: value(type) }));
  const { errors = [] } = getVariableValues(schema, variableDefinitions, variables);
  console.log(JSON.stringify({ query, variables, errors: errors.map((error) => error.message) }));
}
