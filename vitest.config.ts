import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Folders whose tests start processes, browsers or other people's clients. On a crowded machine one of
 * them may wait in vain for reasons that are not ours, so each has a second try, which the report shows.
 */
const processes = ['cli', 'client', 'clients', 'docs', 'e2e', 'examples', 'explorer'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
)

/** The longest first, so that no worker waits at the end for the other's. */
const longest = [
  'e2e/faults',
  'explorer/explorer',
  'docs/guides',
  'cli/live',
  'examples/examples',
  'zk/proofs',
  'client/client',
  'e2e/market',
  'e2e/manifests',
].map((name) => `test/${name}.test.ts`)

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification) =>
      longest.some((name) => moduleId.endsWith(name))
    const first = longest.flatMap((name) =>
      sorted.filter(({ moduleId }) => moduleId.endsWith(name)),
    )
    return [...first, ...sorted.filter((file) => !isLong(file))]
  }
}

// biome-ignore lint/style/noDefaultExport: Vitest reads its configuration from the default export
export default defineConfig({
  resolve: {
    alias: { 'fast-check': fileURLToPath(new URL('test/properties.ts', import.meta.url)) },
  },
  test: {
    // Two cores: end-to-end tests start processes of their own, so files do not all run at once.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
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
