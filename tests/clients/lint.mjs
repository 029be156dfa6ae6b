// graphql-eslint's recommended rules for schemas, and Relay's, over schema.graphql.
//
//   node tests/clients/lint.mjs
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import graphql from '@graphql-eslint/eslint-plugin';
import { ESLint } from 'eslint';

const root = join(import.meta.dirname, '../..');
const schema = join(root, 'schema.graphql');

/** Types that nobody caches by an id of their own: each is part of what it stands in. */
const VALUES = {
  suffixes: ['Connection', 'Edge', 'Payload'],
  types: [
    // Events: what happened, with the object it happened to, which has an id.
    'CircleEvent', 'CircleInvitationReceived', 'LeaderboardEvent', 'MinerRoleChanged', 'MinerStatusChanged',
    'MiningSessionCompleted', 'MiningSessionExpired',
    'MiningSessionStarted', 'PointsAdjusted', 'PointsUpdated', 'ReferralActivated', 'ReferralDeactivated', 'StreakBroken',
    'StreakMilestoneReached', 'StreakRecovered', 'WalletEvent',
    // Lines of a list that belongs to an object, known by their place in it.
    'CircleMember', 'LeaderboardEntry', 'LedgerEntry', 'MiningHistoryEntry',
    // What an object is made of, or what it names.
    'LedgerReference', 'MiningRate', 'MiningStreak', 'Money', 'ReferralOverview', 'WalletOwner',
    // What the system is configured by: one of each, known by its version; and what was done, known by its place.
    'AuditLogEntry', 'MiningConfiguration', 'ReferralConfiguration', 'StreakConfiguration', 'StreakTier', 'SystemConfiguration',
    // Known by something else: a code, a name, or there is only one.
    'Currency', 'Job', 'Leaderboard', 'ServerInfo',
    // Parts of the protocol.
    'ApprovalUserError', 'MiningUserError', 'PageInfo',
  ],
};
/** Edges to such lines: Relay's rule would have every node refetched by an id. */
const EDGES_TO_VALUES = [
  'AuditLogEdge', 'LedgerEntryEdge', 'MiningConfigurationEdge', 'MiningHistoryEdge', 'ReferralConfigurationEdge',
  'StreakConfigurationEdge',
];
const NO_NODE = "Edge type's field `node` must implement `Node` interface.";

const eslint = new ESLint({
  cwd: root,
  overrideConfigFile: true,
  overrideConfig: {
    files: ['**/*.graphql'],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema } } },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...graphql.configs['flat/schema-recommended'].rules,
      ...graphql.configs['flat/schema-relay'].rules,
      '@graphql-eslint/strict-id-in-types': ['error', { exceptions: VALUES }],
      // Lists that can't pass 50 items are plain ones, and connections have `nodes` beside `edges`, as many clients ask.
      '@graphql-eslint/relay-edge-types': ['error', { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false }],
    },
  },
});
const text = readFileSync(schema, 'utf8');
const [{ messages }] = await eslint.lintText(text, { filePath: schema });
const lines = text.split('\n');
const exempt = new Set(EDGES_TO_VALUES);
const findings = messages.filter(({ message, line }) => {
  const type = /^type (\w+)/.exec(lines[line - 1])?.[1];
  return !(message === NO_NODE && EDGES_TO_VALUES.includes(type) && (exempt.delete(type) || true));
});
for (const type of VALUES.types.filter((type) => !new RegExp(`^type ${type}\\b`, 'm').test(text))) exempt.add(type);
for (const { line, ruleId, message } of findings) console.log(`schema.graphql:${line} ${ruleId}: ${message}`);
assert.equal(findings.length, 0, `${findings.length} findings`);
assert.deepEqual([...exempt], [], 'exempt without need');
console.log('lint: the schema is clean');
