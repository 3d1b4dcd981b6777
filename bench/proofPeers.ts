/**
 * Peers of the step proof: a matrix product in Groth16 by snarkjs, with a setup made in the run, and ezkl's
 * engine where it can run.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execPath, stderr } from 'node:process'
import { promisify } from 'node:util'
import { SeededRandom } from '../primitives/random.ts'
import type { Row } from './main.ts'
import { median, timeRuns } from './measure.ts'
import { seed } from './proofJobs.ts'

const require = createRequire(import.meta.url)

/** A tile of the small model's first layer: one row of the batch, this many inputs and outputs. */
const tile = { inputs: 32, outputs: 32 }
/** log2 of the constraints that the setup allows: a product each, and what adds up. */
const setupPower = 11

/** The product of a private matrix and a private vector; the result is public. */
const circuit = `pragma circom 2.1.0;
template Product(n, m) {
  signal input w[m][n];
  signal input x[n];
  signal output z[m];
  signal part[m][n];
  for (var j = 0; j < m; j++) {
    var sum = 0;
    for (var k = 0; k < n; k++) {
      part[j][k] <== w[j][k] * x[k];
      sum += part[j][k];
    }
    z[j] <== sum;
  }
}
component main = Product(${tile.inputs}, ${tile.outputs});
`

type Snarkjs = {
  readonly curves: {
    getCurveFromName: (name: string) => Promise<{ terminate: () => Promise<void> }>
  }
  readonly powersOfTau: {
    newAccumulator: (curve: unknown, power: number, file: string) => Promise<unknown>
    beacon: (from: string, to: string, name: string, hash: string, n: number) => Promise<unknown>
    preparePhase2: (from: string, to: string) => Promise<unknown>
  }
  readonly zKey: {
    newZKey: (r1cs: string, ptau: string, to: string) => Promise<unknown>
    beacon: (from: string, to: string, name: string, hash: string, n: number) => Promise<unknown>
    exportVerificationKey: (from: string) => Promise<unknown>
  }
  readonly groth16: {
    fullProve: (
      input: object,
      wasm: string,
      zkey: string,
    ) => Promise<{ readonly proof: object; readonly publicSignals: readonly string[] }>
    verify: (key: unknown, signals: readonly string[], proof: object) => Promise<boolean>
  }
}

export async function groth16Peer(
  report: (row: Row) => void,
  wanted: (name: string) => boolean,
): Promise<void> {
  const name = `peer/snarkjs-groth16/tile-1x${tile.inputs}x${tile.outputs}`
  if (!wanted(name)) return
  const folder = await mkdtemp(join(tmpdir(), 'waggle-groth16-'))
  try {
    await measureGroth16(folder, (metric, value, unit) =>
      report({ case: name, metric, value, unit }),
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function measureGroth16(
  folder: string,
  row: (metric: string, value: number, unit: string) => void,
): Promise<void> {
  const snarkjs: Snarkjs = await import('snarkjs' as string)
  const path = (file: string) => join(folder, file)
  await writeFile(path('product.circom'), circuit)
  const compiler = join(dirname(require.resolve('circom2/package.json')), 'cli.js')
  const flags = ['product.circom', '--r1cs', '--wasm']
  await promisify(execFile)(execPath, [compiler, ...flags], { cwd: folder })
  const started = performance.now()
  const curve = await snarkjs.curves.getCurveFromName('bn128')
  const entropy = `${'00'.repeat(31)}01`
  await snarkjs.powersOfTau.newAccumulator(curve, setupPower, path('0.ptau'))
  await snarkjs.powersOfTau.beacon(path('0.ptau'), path('1.ptau'), 'bench', entropy, 10)
  await snarkjs.powersOfTau.preparePhase2(path('1.ptau'), path('2.ptau'))
  await snarkjs.zKey.newZKey(path('product.r1cs'), path('2.ptau'), path('0.zkey'))
  await snarkjs.zKey.beacon(path('0.zkey'), path('1.zkey'), 'bench', entropy, 10)
  const setup = performance.now() - started
  const key = await snarkjs.zKey.exportVerificationKey(path('1.zkey'))
  const wasm = path('product_js/product.wasm')
  const prove = () => snarkjs.groth16.fullProve(inputs(), wasm, path('1.zkey'))
  const { proof, publicSignals } = await prove()
  const proving = median(await timeRuns(prove, { runs: 3, minMs: 0, warmUp: 0 }))
  const verify = () => snarkjs.groth16.verify(key, publicSignals, proof)
  const verifying = median(await timeRuns(verify, { runs: 5, minMs: 0, warmUp: 1 }))
  const macs = tile.inputs * tile.outputs
  row('valid', (await verify()) ? 1 : 0, 'bool')
  row('setup_s', setup / 1e3, 's')
  row('prove_s', proving / 1e3, 's')
  row('verify_ms', verifying, 'ms')
  row('proof_bytes', JSON.stringify(proof).length, 'B')
  row('macs', macs, 'MAC')
  row('proven_gmacs', macs / proving / 1e6, 'GMAC/s')
  await curve.terminate()
}

function inputs() {
  const random = new SeededRandom('tile', seed)
  const value = () => random.below(128)
  const line = () => Array.from({ length: tile.inputs }, value)
  return { w: Array.from({ length: tile.outputs }, line), x: line() }
}

/** Says why there is no row: the engine proves compiled circuits, and cannot compile one. */
export async function ezklPeer(wanted: (name: string) => boolean): Promise<void> {
  const name = 'peer/ezkl'
  if (!wanted(name)) return
  try {
    const folder = dirname(require.resolve('@ezkljs/engine/package.json'))
    const declared = await readFile(join(folder, 'nodejs/ezkl.d.ts'), 'utf8')
    const compiles = /function compileCircuit|function genSettings/.test(declared)
    stderr.write(
      compiles
        ? `${name}: not measured: this engine compiles circuits, which the bench does not use yet\n`
        : `${name}: not measured: @ezkljs/engine proves circuits that only ezkl's own tool compiles\n`,
    )
  } catch {
    stderr.write(`${name}: not measured: @ezkljs/engine is not installed\n`)
  }
}
