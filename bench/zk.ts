/**
 * Private facts: constraints, proving in a process of its own, and verifying natively and by snarkjs's
 * Solidity contract in the chain's EVM. `reference/…` rows are snarkjs alone on the same files.
 *
 * `verify_gas` is what the module asks for a verdict, `verify_evm_gas` what the contract uses.
 * `verify_ms` is what a block spends on the module's verdict, the key being parsed; the first verdict
 * under a key parses it, too.
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { groth16, plonk, zKey } from 'snarkjs'
import solc from 'solc'
import { type Abi, encodeFunctionData, type Hex } from 'viem'
import type { Address } from '../primitives/address.ts'
import { fromHex } from '../primitives/bytes.ts'
import { hashFromBytes } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import { createChainVm } from '../vm/chainVm.ts'
import { openEngine } from '../vm/engine.ts'
import { verdictGas } from '../vm/modules/verifiers.ts'
import { emptyStateRoot, openState } from '../vm/stateStore.ts'
import { ethAddress } from '../vm/worldView.ts'
import { type Artefacts, devnetArtefacts } from '../zk/artefacts.ts'
import { type CircuitInput, type CircuitName, circuitNames, circuits } from '../zk/circuits.ts'
import { loadCurve } from '../zk/mclCurve.ts'
import type { Proven } from '../zk/proveHere.ts'
import { prove } from '../zk/prover.ts'
import { parseR1cs } from '../zk/r1cs.ts'
import { sampleInput } from '../zk/samples.ts'
import { keyBytesOf } from '../zk/snarkjsJson.ts'
import { type Protocol, parseKey, verifyProof } from '../zk/verifier.ts'
import { wordsOf } from '../zk/words.ts'
import type { Benchmark } from './main.ts'
import { median, timeRuns } from './measure.ts'

/** A circuit's first system bears its name alone. */
const cases: readonly (readonly [name: string, CircuitName, Protocol])[] = circuitNames.flatMap(
  (circuit) =>
    circuits[circuit].protocols.map(
      (protocol, i) => [i === 0 ? circuit : `${circuit}-${protocol}`, circuit, protocol] as const,
    ),
)
const proofs = { runs: 3, minMs: 0, warmUp: 1 } as const
const verdicts = { runs: 10, minMs: 500 } as const
const contractAddress = '0x00000000000000000000000000000000000c0de0' as Address

export const benchmark: Benchmark = {
  summary: 'proofs of private facts: proving, verifying natively and in the EVM',
  async run(report, wanted) {
    for (const [name, circuit, protocol] of cases.filter(([one]) => wanted(one))) {
      const tell = (metric: string, value: number, unit: string, of: string = name) =>
        report({ case: of, metric, value, unit })
      const made = { artefacts: await devnetArtefacts(circuit, protocol), protocol }
      const input = sampleInput(circuit)
      const { constraints } = parseR1cs(new Uint8Array(await readFile(made.artefacts.r1cs)))
      tell('constraints', constraints.length, 'constraints')
      let proven: Proven | undefined
      const proving = await timeRuns(async () => {
        proven = await provenOf(made, input)
      }, proofs)
      tell('prove_s', median(proving) / 1_000, 's')
      invariant(proven !== undefined, 'a proof was made')
      tell('verify_ms', median(await nativeVerdicts(made, proven)), 'ms')
      tell('verify_gas', Number(verdictGas(protocol, proven.inputs.length)), 'gas')
      const contract = await contractVerdicts(made, proven)
      tell('verify_evm_ms', median(contract.times), 'ms')
      tell('verify_evm_gas', Number(contract.gas), 'gas')
      tell('proof_bytes', proven.proof.length, 'bytes')
      const alone = await snarkjsAlone(made, input)
      tell('prove_s', median(alone.proving) / 1_000, 's', `reference/snarkjs/${name}`)
      tell('verify_ms', median(alone.verifying), 'ms', `reference/snarkjs/${name}`)
    }
    // The threads that snarkjs keeps would keep this process.
    await (
      globalThis as { curve_bn128?: { terminate: () => Promise<void> } }
    ).curve_bn128?.terminate()
  },
}

/** What proving needs, and by which system. */
type Made = { readonly artefacts: Artefacts; readonly protocol: Protocol }

async function provenOf({ artefacts, protocol }: Made, input: CircuitInput): Promise<Proven> {
  const proven = await prove(artefacts, input, { protocol })
  invariant(proven.ok, 'the sample is a true statement')
  return proven.value
}

async function nativeVerdicts({ artefacts, protocol }: Made, { proof, inputs }: Proven) {
  const curve = await loadCurve()
  const encoded = keyBytesOf(await zKey.exportVerificationKey(artefacts.zkey))
  invariant(encoded.ok, 'snarkjs writes keys')
  const key = parseKey(curve, protocol, encoded.value.bytes)
  invariant(key.ok, 'the key parses')
  return timeRuns(() => {
    invariant(verifyProof(curve, key.value, inputs, proof).ok, 'the proof is right')
  }, verdicts)
}

/** A call of the exported contract, as `eth_call` runs it. */
async function contractVerdicts({ artefacts, protocol }: Made, { proof, inputs }: Proven) {
  const { abi, bytecode } = await contractOf(artefacts.zkey)
  const engine = await openEngine(1, [])
  const nowhere = { get: async () => undefined, has: () => false, remember: () => {} }
  const { state } = await openState(engine.common, nowhere, emptyStateRoot)
  const zero = hashFromBytes(new Uint8Array(32))
  const block = { height: 1n, timestamp: 1n, mixHash: zero, coinbase: contractAddress }
  const { evm } = await createChainVm(engine, state, block)
  await state.putCode(ethAddress(contractAddress), fromHex(bytecode))
  const w = wordsOf(proof, proof.length / 32)!
  const points =
    protocol === 'groth16' ? [w.slice(0, 2), [w.slice(2, 4), w.slice(4, 6)], w.slice(6, 8)] : [w]
  const data = fromHex(
    encodeFunctionData({ abi, functionName: 'verifyProof', args: [...points, inputs] }),
  )
  let gas = 0n
  const times = await timeRuns(async () => {
    const { execResult } = await evm.runCall({
      to: ethAddress(contractAddress),
      data,
      gasLimit: 10_000_000n,
    })
    invariant(execResult.returnValue.at(-1) === 1, 'the contract accepts')
    gas = execResult.executionGasUsed
  }, verdicts)
  return { times, gas }
}

async function contractOf(zkey: string): Promise<{ readonly abi: Abi; readonly bytecode: Hex }> {
  const snarkjs = dirname(createRequire(import.meta.url).resolve('snarkjs'))
  const template = (name: Protocol) =>
    readFile(join(snarkjs, '..', 'templates', `verifier_${name}.sol.ejs`), 'utf8')
  const source: string = await zKey.exportSolidityVerifier(zkey, {
    groth16: await template('groth16'),
    plonk: await template('plonk'),
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

async function snarkjsAlone({ artefacts, protocol }: Made, input: CircuitInput) {
  const { wasm, zkey } = artefacts
  const system = { groth16, plonk }[protocol] as typeof groth16
  const key = await zKey.exportVerificationKey(zkey)
  const prove = () => system.fullProve(input as never, wasm, zkey)
  const { proof, publicSignals } = await prove()
  return {
    proving: await timeRuns(prove, { ...proofs, warmUp: 0 }),
    verifying: await timeRuns(() => system.verify(key, publicSignals, proof), verdicts),
  }
}
