// Apollo Server 5 on its own standalone HTTP server, pg pool, one DataLoader set per request.
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import DataLoader from 'dataloader';
import pg from 'pg';

const port = Number(process.env.PORT ?? 4201);
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: Number(process.env.POOL ?? 16) });

// The part of the product's schema that is asked for.
const typeDefs = `#graphql
  scalar Decimal
  scalar DateTime
  scalar UUID
  enum MinerOrderField { CREATED_AT TOTAL_MINED_POINTS }
  enum OrderDirection { ASC DESC }
  enum MinerRole { PIONEER CONTRIBUTOR AMBASSADOR NODE_OPERATOR }
  enum MinerStatus { ACTIVE SUSPENDED BANNED }
  enum CircleStatus { INCOMPLETE ACTIVE DISBANDED }
  input MinerOrder { field: MinerOrderField! direction: OrderDirection! }
  type Query { miners(first: Int = 50, orderBy: MinerOrder!): MinerConnection }
  type MinerConnection { nodes: [Miner!]! }
  type Miner {
    uuid: UUID! user: User! role: MinerRole! status: MinerStatus! totalMinedPoints: Decimal!
    referralCode: String! createdAt: DateTime! updatedAt: DateTime! circle: Circle
  }
  type User { uuid: UUID! displayName: String! }
  type Circle { uuid: UUID! name: String! status: CircleStatus! memberCount: Int! createdAt: DateTime! members: [CircleMember!] }
  type CircleMember { joinedAt: DateTime! isOwner: Boolean! miner: MinerProfile }
  type MinerProfile { displayName: String! role: MinerRole! totalMinedPoints: Decimal! }
`;

// Named statements, so each connection parses and plans them once.
const q = (name, text, values) => pool.query({ name, text, values }).then((r) => r.rows);
const minerColumns = `id as "uuid", user_id as "userId", display_name as "displayName", role, status, total_mined_points as "totalMinedPoints",
  referral_code as "referralCode", created_at as "createdAt", updated_at as "updatedAt", circle_id as "circleId"`;
const orders = { CREATED_AT: 'created_at', TOTAL_MINED_POINTS: 'lifetime_points' };
const byId = (name, text) =>
  new DataLoader(async (ids) => {
    const rows = new Map((await q(name, text, [ids])).map((r) => [r.uuid, r]));
    return ids.map((id) => rows.get(id) ?? null);
  });
const loaders = () => ({
  circle: byId('circle', `select id as "uuid", owner_id as "ownerId", name, status, member_count as "memberCount", created_at as "createdAt"
    from bench.bench_circles where id = any($1::uuid[])`),
  profile: byId('profile', `select id as "uuid", display_name as "displayName", role, total_mined_points as "totalMinedPoints"
    from bench.bench_miners where id = any($1::uuid[])`),
  members: new DataLoader(async (ids) => {
    const rows = new Map(ids.map((id) => [id, []]));
    const text = `select circle_id, miner_id as "minerId", joined_at as "joinedAt" from public.circle_members
      where circle_id = any($1::uuid[]) and left_at is null order by circle_id, joined_at, id`;
    for (const r of await q('members', text, [ids])) rows.get(r.circle_id).push(r);
    return ids.map((id) => rows.get(id));
  }),
});

const resolvers = {
  Query: {
    miners: async (_, { first, orderBy: { field, direction } }) => {
      const order = `${orders[field]} ${direction}, id ${direction}`;
      const text = `select ${minerColumns} from bench.bench_miners order by ${order} limit $1`;
      return { nodes: await q(`miners ${field} ${direction}`, text, [Math.min(first, 100)]) };
    },
  },
  Miner: {
    user: (m) => ({ uuid: m.userId, displayName: m.displayName }),
    circle: (m, _, c) => m.circleId && c.circle.load(m.circleId), createdAt: (m) => m.createdAt.toISOString(), updatedAt: (m) => m.updatedAt.toISOString(),
  },
  Circle: {
    members: async (circle, _, c) => (await c.members.load(circle.uuid)).map((m) => ({ ...m, isOwner: m.minerId === circle.ownerId })),
    createdAt: (x) => x.createdAt.toISOString(),
  },
  CircleMember: { miner: (m, _, c) => c.profile.load(m.minerId), joinedAt: (m) => m.joinedAt.toISOString() },
};

const server = new ApolloServer({ typeDefs, resolvers, includeStacktraceInErrorResponses: false });
const { url } = await startStandaloneServer(server, { listen: { host: '127.0.0.1', port }, context: async () => loaders() });
console.log(`apollo ready ${url}`);
