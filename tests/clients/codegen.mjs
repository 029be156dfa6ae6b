// GraphQL Code Generator over the schema and GraphiQL's examples: what it makes must pass `tsc --strict`.
//
//   node tests/clients/codegen.mjs <folder to write into>
//
// Beside the types lies a program that uses them, so that a type which collapses to `any` is seen.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { generate } from '@graphql-codegen/cli';
import ts from 'typescript';

const [folder] = process.argv.slice(2);
assert(folder && isAbsolute(folder), 'usage: node codegen.mjs <absolute folder to write into>');
const root = join(import.meta.dirname, '../..');
const examples = join(root, 'web-admin/graphiql/examples');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const schema = join(folder, 'schema.ts');
const operations = join(folder, 'operations.ts');
const scalar = { input: 'string', output: 'string' };
const config = {
  strictScalars: true,
  scalars: { BigInt: scalar, CurrencyCode: scalar, Date: scalar, DateTime: scalar, Decimal: scalar, ID: scalar, JSON: { input: 'unknown', output: 'unknown' }, TimeZone: scalar, URL: scalar, UUID: scalar },
};
// It looks for its plugins from there.
process.chdir(import.meta.dirname);
await generate(
  {
    schema: join(root, 'schema.graphql'),
    documents: [join(examples, '*.graphql')],
    silent: true,
    errorsOnly: true,
    generates: {
      [schema]: { plugins: ['typescript'], config },
      [operations]: { plugins: ['typescript-operations'], config },
    },
  },
  true,
);

const use = join(folder, 'use.ts');
writeFileSync(use, `
import type { MyMinerQuery } from './operations';
export function points(data: MyMinerQuery): string | undefined { return data.viewer?.miner?.totalMinedPoints; }
// @ts-expect-error: a decimal is no number
export function wrong(data: MyMinerQuery): number | undefined { return data.viewer?.miner?.totalMinedPoints; }
`);
const program = ts.createProgram([schema, operations, use], {
  strict: true,
  noEmit: true,
  types: [],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  target: ts.ScriptTarget.ES2022,
});
const problems = ts.getPreEmitDiagnostics(program);
const host = { getCurrentDirectory: () => folder, getCanonicalFileName: (name) => name, getNewLine: () => '\n' };
assert.equal(problems.length, 0, ts.formatDiagnostics(problems, host));
const count = readdirSync(examples).filter((name) => name.endsWith('.graphql')).length;
const typed = (ts.sys.readFile(operations).match(/^export type \w+(Query|Mutation|Subscription)Variables/gm) ?? []).length;
assert(typed >= count, `${typed} operations of ${count} examples have types`);
console.log(`codegen: ${typed} operations have types that hold`);
