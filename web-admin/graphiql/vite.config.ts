// How GraphiQL is built: for /graphiql, with nothing inline and nothing from elsewhere.
import { defineConfig } from 'vite';

export default defineConfig({
  base: '/graphiql/',
  build: {
    // build.mjs packs it from here into dist.
    outDir: 'node_modules/.build',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    license: { fileName: 'licenses.md' },
    chunkSizeWarningLimit: 8000,
  },
  worker: { format: 'es' },
  // npm run dev: the page from here, everything else from a server.
  server: { proxy: { '/graphql': { target: 'http://localhost:8080', ws: true }, '/graphiql/people': 'http://localhost:8080' } },
});
