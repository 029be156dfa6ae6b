// Holds schema.graphql against the last released one: clients out there must go on working.
//
//   node tests/clients/breaking.mjs
//
// A breaking change fails unless tests/contract/waivers.txt names it, with a reason; so does a waiver for nothing. To
// release, copy schema.graphql to tests/contract/released.graphql and empty the list of waivers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema, findBreakingChanges, parse, print } from 'graphql';

const contract = join(import.meta.dirname, '../contract');
const released = readFileSync(join(contract, 'released.graphql'), 'utf8');
const present = readFileSync(join(import.meta.dirname, '../../schema.graphql'), 'utf8');

/** What breaks, one description a change. */
function breaks(before, after) {
  return findBreakingChanges(buildSchema(before), buildSchema(after)).map(({ description }) => description);
}

/** The descriptions that are waived; each needs its reason. */
function waived(text) {
  const lines = text.split('\n').filter((line) => line.trim() && !line.startsWith('#'));
  return lines.map((line) => {
    const [, description, reason] = /^(.*?)\s+# (.+)$/.exec(line) ?? [];
    assert(description && reason, `waivers.txt: a line without a reason: ${line}`);
    return description;
  });
}

/** What nobody waived, and waivers of nothing. */
function verdict(changes, waivers) {
  const unknown = changes.filter((change) => !waivers.includes(change));
  const unused = waivers.filter((waiver) => !changes.includes(waiver));
  return [...unknown.map((change) => `breaking: ${change}`), ...unused.map((waiver) => `waived for nothing: ${waiver}`)];
}

/** A schema without one field. */
function without(schema, type, field) {
  const document = parse(schema);
  const definitions = document.definitions.map((definition) =>
    definition.name?.value === type ? { ...definition, fields: definition.fields.filter(({ name }) => name.value !== field) } : definition,
  );
  return print({ ...document, definitions });
}

// It would see one: a field less is a breaking change, may be waived, and that only while it is one.
const removed = ['Miner.referralCode was removed.'];
assert.deepEqual(breaks(present, without(present, 'Miner', 'referralCode')), removed);
assert.deepEqual(verdict(removed, []), [`breaking: ${removed[0]}`]);
assert.deepEqual(verdict(removed, waived(`# a comment\n${removed[0]}  # nobody reads it\n`)), []);
assert.deepEqual(verdict([], removed), [`waived for nothing: ${removed[0]}`]);
assert.throws(() => waived(removed[0]), /without a reason/);

const problems = verdict(breaks(released, present), waived(readFileSync(join(contract, 'waivers.txt'), 'utf8')));
assert.equal(problems.length, 0, `\n${problems.join('\n')}\nsee tests/contract/waivers.txt`);
console.log('breaking: clients of the released schema can go on');
