/**
 * Peers of the step proof: a matrix product in Groth16 by snarkjs, with a setup made in the run, and ezkl's
 * engine where it can run.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { stderr } from 'node:process'
import { concatBytes, uintBytes, utf8ToBytes } from '../primitives/bytes.ts'
import { SeededRandom } from '../primitives/random.ts'
import { invariant } from '../primitives/result.ts'
import { scalarOrder } from '../zk/bn254.ts'
import { devnetGroth16 } from '../zk/devnetSetup.ts'
import { openFixedBase } from '../zk/fixedBase.ts'
import { brokenConstraint, type Combination, type Constraint, type R1cs } from '../zk/r1cs.ts'
import type { Row } from './main.ts'
import { median, timeRuns } from './measure.ts'
import { seed } from './proofJobs.ts'

const require = createRequire(import.meta.url)

/** The small model's, with a batch of one row: what a domain of 2^17 constraints has room for. */
const widths = [784, 128, 64, 10]

type Snarkjs = {
  readonly curves: {
    getCurveFromName: (name: string) => Promise<{ terminate: () => Promise<void> }>
  }
  readonly zKey: { exportVerificationKey: (from: string) => Promise<unknown> }
  readonly groth16: {
    prove: (
      zkey: string,
      witness: string,
    ) => Promise<{ readonly proof: object; readonly publicSignals: readonly string[] }>
    verify: (key: unknown, signals: readonly string[], proof: object) => Promise<boolean>
  }
}

export async function groth16Peer(
  report: (row: Row) => void,
  wanted: (name: string) => boolean,
): Promise<void> {
  const name = `peer/snarkjs-groth16/mlp-${widths.join('-')}/b1/forward`
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
  const [zkey, witness] = [join(folder, 'product.zkey'), join(folder, 'product.wtns')]
  const { r1cs, values } = forwardProducts()
  invariant(brokenConstraint(r1cs, values) === null, 'proofPeers: the products do not hold')
  await writeFile(witness, witnessFile(values))
  const started = performance.now()
  // Each point is one multiple of a generator: such a key as a ceremony makes, without its minutes.
  await writeFile(zkey, devnetGroth16(await openFixedBase(), r1cs, 'bench'))
  const setup = performance.now() - started
  const key = await snarkjs.zKey.exportVerificationKey(zkey)
  const prove = () => snarkjs.groth16.prove(zkey, witness)
  const { proof, publicSignals } = await prove()
  const proving = median(await timeRuns(prove, { runs: 3, minMs: 0, warmUp: 0 }))
  const verify = () => snarkjs.groth16.verify(key, publicSignals, proof)
  const verifying = median(await timeRuns(verify, { runs: 5, minMs: 0, warmUp: 1 }))
  const macs = r1cs.constraints.length
  row('valid', (await verify()) ? 1 : 0, 'bool')
  row('setup_s', setup / 1e3, 's')
  row('prove_s', proving / 1e3, 's')
  row('verify_ms', verifying, 'ms')
  row('proof_bytes', JSON.stringify(proof).length, 'B')
  row('macs', macs, 'MAC')
  row('proven_gmacs', macs / proving / 1e6, 'GMAC/s')
  // snarkjs keeps threads for its curve.
  await (await snarkjs.curves.getCurveFromName('bn128')).terminate()
}

/**
 * The products of private matrices and private vectors, layer by layer, a constraint to each MAC; the
 * results are public. Rescale, ReLU and ranges are left out.
 */
function forwardProducts(): { readonly r1cs: R1cs; readonly values: readonly bigint[] } {
  const random = new SeededRandom('forward', seed)
  const shapes = widths.slice(1).map((outputs, i) => ({ outputs, inputs: widths[i]! }))
  const publicOutputs = shapes.reduce((sum, { outputs }) => sum + outputs, 0)
  const values = [1n, ...Array.from({ length: publicOutputs }, () => 0n)]
  const constraints: Constraint[] = []
  const wireOf = (value: bigint) => values.push(value) - 1
  const privately = (length: number) =>
    Array.from({ length }, () => wireOf(BigInt(random.below(128))))
  let result = 1
  for (const { outputs, inputs } of shapes) {
    const x = privately(inputs)
    for (let j = 0; j < outputs; j++) {
      const w = privately(inputs)
      const products = x.map((wire, k) => values[wire]! * values[w[k]!]!)
      values[result] = products.reduce((sum, product) => sum + product, 0n)
      // The last product is what is left of the result.
      const parts = products.slice(0, -1).map(wireOf)
      const rest: Combination = parts.map((wire) => [wire, scalarOrder - 1n])
      for (const [k, wire] of x.entries()) {
        const part = parts[k]
        const c: Combination = part === undefined ? [[result, 1n], ...rest] : [[part, 1n]]
        constraints.push({ a: [[w[k]!, 1n]], b: [[wire, 1n]], c })
      }
      result++
    }
  }
  const privateInputs = shapes.reduce((sum, { outputs, inputs }) => sum + inputs * (outputs + 1), 0)
  const wires = values.length
  return { r1cs: { wires, publicOutputs, publicInputs: 0, privateInputs, constraints }, values }
}

/** A `.wtns` file: two sections, the field and the values. */
function witnessFile(values: readonly bigint[]): Uint8Array {
  const little = (value: bigint | number, bytes: number) => uintBytes(value, bytes).reverse()
  const header = concatBytes(little(32, 4), little(scalarOrder, 32), little(values.length, 4))
  const body = new Uint8Array(32 * values.length)
  for (const [i, value] of values.entries()) body.set(little(value, 32), 32 * i)
  return concatBytes(
    ...[utf8ToBytes('wtns'), little(2, 4), little(2, 4)],
    ...[little(1, 4), little(header.length, 8), header],
    ...[little(2, 4), little(32 * values.length, 8)],
    body,
  )
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
