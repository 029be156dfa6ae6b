// How GraphiQL is built: for /graphiql below any path, with nothing inline and nothing from elsewhere.
import { defineConfig } from 'vite';

export default defineConfig({
  base: './',
  // The page is at /graphiql without a slash at its end, so its files are relative to the folder above.
  experimental: {
    renderBuiltUrl: (name, { hostType }) => (hostType === 'html' ? `graphiql/${name}` : { relative: true }),
  },
  build: {
    // build.mjs packs it from here into dist.
    outDir: 'node_modules/.build',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    license: { fileName: 'licenses.md' },
    chunkSizeWarningLimit: 8000,
    // Packages apart from what is written here, so that a changed example changes one small file.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'preload', test: /preload-helper/, priority: 2 },
            { name: 'packages', test: /node_modules\/(@?graphiql|@graphiql|graphql|graphql-ws|react|react-dom|scheduler|zustand|@radix-ui|framer-motion|motion-dom|motion-utils|markdown-it)\//, priority: 1 },
          ],
        },
      },
    },
  },
  worker: { format: 'es' },
  // npm run dev: the page from here, everything else from a server.
  server: { proxy: { '/graphql': { target: 'http://localhost:8080', ws: true }, '/graphiql/people': 'http://localhost:8080' } },
});
