import { describe, it } from 'vitest'
import { type Manifest, manifestOf, runManifest } from './manifest.ts'

/** More with `WAGGLE_MANIFESTS=n`; one with `WAGGLE_SEED=n`. */
const count = Number(process.env.WAGGLE_MANIFESTS ?? 0)
const only = process.env.WAGGLE_SEED
const seeds = only === undefined ? Array.from({ length: count }, (_, i) => i) : [Number(only)]

const swift = { delayMs: 0, jitterMs: 0 }

/** One of everything, run on every change. */
const fixed: readonly Manifest[] = [
  {
    name: 'killed and cut off',
    validators: 4,
    link: swift,
    plan: [
      { node: 3, what: 'kill', forMs: 1_000, restMs: 0 },
      { node: 1, what: 'cut', forMs: 2_000, restMs: 500 },
    ],
    blocks: 2,
  },
  {
    name: 'paused, over slow links',
    validators: 4,
    link: { delayMs: 50, jitterMs: 20 },
    plan: [{ node: 2, what: 'pause', forMs: 3_000, restMs: 500 }],
    blocks: 2,
  },
  {
    name: 'stopped and started',
    validators: 4,
    link: swift,
    plan: [{ node: 0, what: 'restart', forMs: 0, restMs: 0 }],
    blocks: 2,
  },
]

describe('a network of processes agrees and goes on', () => {
  const manifests =
    only === undefined
      ? [...fixed, ...seeds.map((seed) => manifestOf(seed, 6))]
      : seeds.map((seed) => manifestOf(seed, 6))
  for (const manifest of manifests)
    it(manifest.name, { timeout: 600_000 }, () => runManifest(manifest))
})
