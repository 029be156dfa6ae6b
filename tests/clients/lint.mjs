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
  suffixes: ['Connection', 'Edge', 'Payload', 'Proposal', 'UserError'],
  types: [
    // Events, with the object they are about, which has an id.
    'CampaignEvent', 'CircleEvent', 'CircleInvitationReceived', 'LeaderboardEvent', 'MinerRoleChanged', 'MinerStatusChanged',
    'MiningSessionCompleted', 'MiningSessionExpired', 'MiningSessionStarted', 'PointsUpdated', 'ReferralActivated',
    'ReferralDeactivated', 'StreakBroken', 'StreakMilestoneReached', 'StreakRecovered', 'VoucherEvent', 'WalletEvent',
    // Items of a list that belongs to an object, known by their position.
    'CircleMember', 'ConversionPair', 'ConversionPairSettings', 'CurrencySettings', 'HoldSettlementResult', 'IssuerSettings', 'LeaderboardEntry',
    'MetadataEntry', 'Payout', 'PriceLimit', 'StreakTier', 'VelocityRule',
    // Parts of an object, and references.
    'CampaignRevocation', 'CampaignStatistics', 'ConversionQuote', 'IssuanceStatus', 'LedgerTrail', 'MiningRate', 'MiningStreak', 'Money', 'PromotionStatistics', 'ProviderPayment', 'ReconciliationMismatch', 'RedemptionStatistics', 'ReferralStatistics', 'VoucherValidation',
    'Service', 'ServiceReference', 'SignedUrl', 'WalletBalance', 'WalletOwner',
    // Known by a code, or unique.
    'Currency', 'Leaderboard', 'PageInfo', 'Reconciliation', 'ServerInfo', 'SystemConfiguration',
  ],
};

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
for (const { line, ruleId, message } of messages) console.log(`schema.graphql:${line} ${ruleId}: ${message}`);
assert.equal(messages.length, 0, `${messages.length} findings`);
const gone = VALUES.types.filter((type) => !new RegExp(`^type ${type}\\b`, 'm').test(text));
assert.deepEqual(gone, [], 'exempt without need');
console.log('lint: the schema is clean');
