// PostGraphile 5 through grafserv on Node's http server, over the views of the schema `bench`.
import { createServer } from 'node:http';
import { grafserv } from 'postgraphile/grafserv/node';
import { postgraphile } from 'postgraphile';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';
import { makePgService } from 'postgraphile/adaptors/pg';
import { jsonPgSmartTags } from 'postgraphile/utils';

const port = Number(process.env.PORT ?? 4202);
// Views have no keys of their own: these are the tables'. Members come as plain lists, which cost less than connections.
const tags = jsonPgSmartTags({
  version: 1,
  config: {
    class: {
      'bench.bench_miners': {
        tags: { primaryKey: 'id', foreignKey: '(circle_id) references bench.bench_circles (id)' },
      },
      'bench.bench_circles': { tags: { primaryKey: 'id' } },
      'bench.bench_members': {
        tags: {
          primaryKey: 'id',
          behavior: '+list -connection',
          foreignKey: ['(circle_id) references bench.bench_circles (id)', '(miner_id) references bench.bench_miners (id)'],
        },
      },
    },
  },
});
const preset = {
  plugins: [tags],
  extends: [PostGraphileAmberPreset],
  pgServices: [makePgService({ connectionString: process.env.DATABASE_URL, schemas: ['bench'], poolConfig: { max: Number(process.env.POOL ?? 16) } })],
  grafserv: { port, host: '127.0.0.1', graphqlPath: '/graphql', graphiql: false, watch: false },
  grafast: { explain: false },
};
const instance = postgraphile(preset);
const serv = instance.createServ(grafserv);
const server = createServer();
server.on('error', (e) => { console.error(e); process.exit(1); });
await serv.addTo(server);
server.listen(port, '127.0.0.1', () => console.log(`postgraphile ready http://127.0.0.1:${port}/graphql`));
