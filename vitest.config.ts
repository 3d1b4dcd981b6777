import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/**
 * Folders whose tests start processes, browsers or other people's clients. On a crowded machine one of
 * them may wait in vain for reasons that are not ours, so each has a second try, which the report shows.
 */
const processes = ['cli', 'client', 'clients', 'docs', 'e2e', 'examples', 'explorer'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
)

// biome-ignore lint/style/noDefaultExport: Vitest reads its configuration from the default export
export default defineConfig({
  resolve: {
    alias: { 'fast-check': fileURLToPath(new URL('test/properties.ts', import.meta.url)) },
  },
  test: {
    // Two cores: end-to-end tests start processes of their own, so files do not all run at once.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: { name: 'logic', include: ['test/**/*.test.ts'], exclude: processes },
      },
      { extends: true, test: { name: 'processes', include: processes, retry: 1 } },
    ],
  },
})
