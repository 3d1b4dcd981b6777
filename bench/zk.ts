/**
 * Private facts: constraints, proving in a process of its own, and verifying natively and by snarkjs's
 * Solidity contract in the chain's EVM. `reference/…` rows are snarkjs alone on the same files.
 *
 * `verify_ms` is what a block spends on the module's verdict, the key being parsed; the first verdict
 * under a key parses it, too.
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { groth16, zKey } from 'snarkjs'
import solc from 'solc'
import { type Abi, encodeFunctionData, type Hex } from 'viem'
import type { Address } from '../primitives/address.ts'
import { fromHex } from '../primitives/bytes.ts'
import { hashFromBytes } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import { createChainVm } from '../vm/chainVm.ts'
import { openEngine } from '../vm/engine.ts'
import { emptyStateRoot, openState } from '../vm/stateStore.ts'
import { ethAddress } from '../vm/worldView.ts'
import { type Artefacts, devnetArtefacts } from '../zk/artefacts.ts'
import { type CircuitInput, circuitNames } from '../zk/circuits.ts'
import { loadCurve } from '../zk/mclCurve.ts'
import type { Proven } from '../zk/proveHere.ts'
import { prove } from '../zk/prover.ts'
import { parseR1cs } from '../zk/r1cs.ts'
import { sampleInput } from '../zk/samples.ts'
import { keyBytesOf } from '../zk/snarkjsJson.ts'
import { parseKey, verifyProof } from '../zk/verifier.ts'
import { wordsOf } from '../zk/words.ts'
import type { Benchmark } from './main.ts'
import { median, timeRuns } from './measure.ts'

const proofs = { runs: 3, minMs: 0, warmUp: 1 } as const
const verdicts = { runs: 10, minMs: 500 } as const
const contractAddress = '0x00000000000000000000000000000000000c0de0' as Address

export const benchmark: Benchmark = {
  summary: 'proofs of private facts: proving, verifying natively and in the EVM',
  async run(report, wanted) {
    for (const name of circuitNames.filter(wanted)) {
      const tell = (metric: string, value: number, unit: string, of: string = name) =>
        report({ case: of, metric, value, unit })
      const artefacts = await devnetArtefacts(name)
      const input = sampleInput(name)
      const { constraints } = parseR1cs(new Uint8Array(await readFile(artefacts.r1cs)))
      tell('constraints', constraints.length, 'constraints')
      let proven: Proven | undefined
      const proving = await timeRuns(async () => {
        proven = await provenOf(artefacts, input)
      }, proofs)
      tell('prove_s', median(proving) / 1_000, 's')
      invariant(proven !== undefined, 'a proof was made')
      tell('verify_ms', median(await nativeVerdicts(artefacts, proven)), 'ms')
      tell('verify_evm_ms', median(await contractVerdicts(artefacts, proven)), 'ms')
      tell('proof_bytes', proven.proof.length, 'bytes')
      const alone = await snarkjsAlone(artefacts, input)
      tell('prove_s', median(alone.proving) / 1_000, 's', `reference/snarkjs/${name}`)
      tell('verify_ms', median(alone.verifying), 'ms', `reference/snarkjs/${name}`)
    }
    // The threads that snarkjs keeps would keep this process.
    await (
      globalThis as { curve_bn128?: { terminate: () => Promise<void> } }
    ).curve_bn128?.terminate()
  },
}

async function provenOf(artefacts: Artefacts, input: CircuitInput): Promise<Proven> {
  const proven = await prove(artefacts, input)
  invariant(proven.ok, 'the sample is a true statement')
  return proven.value
}

async function nativeVerdicts({ zkey }: Artefacts, { proof, inputs }: Proven) {
  const curve = await loadCurve()
  const encoded = keyBytesOf(await zKey.exportVerificationKey(zkey))
  invariant(encoded.ok, 'snarkjs writes keys')
  const key = parseKey(curve, 'groth16', encoded.value.bytes)
  invariant(key.ok, 'the key parses')
  return timeRuns(() => {
    invariant(verifyProof(curve, key.value, inputs, proof).ok, 'the proof is right')
  }, verdicts)
}

/** A call of the exported contract, as `eth_call` runs it. */
async function contractVerdicts({ zkey }: Artefacts, { proof, inputs }: Proven) {
  const { abi, bytecode } = await contractOf(zkey)
  const engine = await openEngine(1, [])
  const nowhere = { get: async () => undefined, has: () => false, remember: () => {} }
  const { state } = await openState(engine.common, nowhere, emptyStateRoot)
  const zero = hashFromBytes(new Uint8Array(32))
  const block = { height: 1n, timestamp: 1n, mixHash: zero, coinbase: contractAddress }
  const { evm } = await createChainVm(engine, state, block)
  await state.putCode(ethAddress(contractAddress), fromHex(bytecode))
  const w = wordsOf(proof, 8)!
  const points = [w.slice(0, 2), [w.slice(2, 4), w.slice(4, 6)], w.slice(6, 8)]
  const data = fromHex(
    encodeFunctionData({ abi, functionName: 'verifyProof', args: [...points, inputs] }),
  )
  return timeRuns(async () => {
    const { execResult } = await evm.runCall({
      to: ethAddress(contractAddress),
      data,
      gasLimit: 10_000_000n,
    })
    invariant(execResult.returnValue.at(-1) === 1, 'the contract accepts')
  }, verdicts)
}

async function contractOf(zkey: string): Promise<{ readonly abi: Abi; readonly bytecode: Hex }> {
  const snarkjs = dirname(createRequire(import.meta.url).resolve('snarkjs'))
  const template = join(snarkjs, '..', 'templates', 'verifier_groth16.sol.ejs')
  const source: string = await zKey.exportSolidityVerifier(zkey, {
    groth16: await readFile(template, 'utf8'),
  })
  const settings = {
    optimizer: { enabled: true, runs: 200 },
    outputSelection: { '*': { '*': ['abi', 'evm.deployedBytecode.object'] } },
  }
  const sources = { 'Verifier.sol': { content: source } }
  const output = JSON.parse(
    solc.compile(JSON.stringify({ language: 'Solidity', sources, settings })),
  ) as {
    readonly contracts: Readonly<
      Record<
        string,
        Readonly<Record<string, { abi: Abi; evm: { deployedBytecode: { object: string } } }>>
      >
    >
  }
  const { abi, evm } = Object.values(output.contracts['Verifier.sol']!)[0]!
  return { abi, bytecode: `0x${evm.deployedBytecode.object}` }
}

async function snarkjsAlone({ wasm, zkey }: Artefacts, input: CircuitInput) {
  const key = await zKey.exportVerificationKey(zkey)
  const prove = () => groth16.fullProve(input as never, wasm, zkey)
  const { proof, publicSignals } = await prove()
  return {
    proving: await timeRuns(prove, { ...proofs, warmUp: 0 }),
    verifying: await timeRuns(() => groth16.verify(key, publicSignals, proof), verdicts),
  }
}
