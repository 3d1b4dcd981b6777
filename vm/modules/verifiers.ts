/**
 * `Verifiers`, the native module that checks zero-knowledge proofs: Groth16 and PLONK over BN254, with
 * the verdict that snarkjs's Solidity verifiers give, for less gas.
 */
import { moduleAddresses } from '../../params/protocol.ts'
import { fromHex, type Hex, toHex } from '../../primitives/bytes.ts'
import { type Hash, zeroHash } from '../../primitives/hash.ts'
import { type Fault, invariant, type Result, refuse } from '../../primitives/result.ts'
import { keyAt, keyCount, readKey, registerKey } from '../../registry/verificationKeys.ts'
import { loadCurve } from '../../zk/mclCurve.ts'
import {
  keyName,
  type Protocol,
  parseKey,
  protocols,
  publicInputsOf,
  type VerificationKey,
  verifyProof,
} from '../../zk/verifier.ts'
import type { NativeCall, NativeModule, NativeOutcome } from '../nativeModule.ts'
import { answer, defineModule, refusal } from './module.ts'
import { verifiersAbi } from './verifiersAbi.ts'

/**
 * Gas by protocol, from `npm run bench -- zk`: 10,000 for a millisecond of an idle machine, as the
 * longest execution of a block and its gas limit have it, and as much again for slower ones.
 */
const proofGas = {
  groth16: { fixed: 160_000n, perInput: 5_000n },
  plonk: { fixed: 240_000n, perInput: 1_000n },
} as const

/** Gas of a verdict, whatever it is; reading the key comes to it. */
export function verdictGas(protocol: Protocol, inputs: number): bigint {
  const { fixed, perInput } = proofGas[protocol]
  return fixed + perInput * BigInt(inputs)
}

/** Checking the points of a new key: 3 of the second group, and two words for each other. */
const registerGas = { fixed: 60_000n, perWord: 200n } as const

/** Parsed keys are kept by name: a name is a digest, so what was parsed once stays right. */
const maxKept = 64

/** Checks a proof under a registered key, and charges for it; any input gets a verdict. */
export type CheckCall = (
  call: NativeCall,
  name: Hash,
  inputs: readonly bigint[],
  proof: Uint8Array,
) => Promise<Result<true, Fault>>

/** A checker with its own shelf of parsed keys. */
export function createProofCheck(): CheckCall {
  const kept = new Map<Hash, VerificationKey>()

  return async ({ world, charge }, name, inputs, proof) => {
    // Read whether or not the key is kept: gas must not depend on what this node did before.
    const record = await readKey(world, name)
    if (record === null) return refuse({ code: 'verifiers/unknown' })
    const protocol = protocols[record.protocol]
    invariant(protocol !== undefined, `verifiers: protocol ${record.protocol} in the state`)
    charge(verdictGas(protocol, inputs.length))
    const curve = await loadCurve()
    let key = kept.get(name)
    if (key === undefined) {
      const parsed = parseKey(curve, protocol, record.bytes)
      invariant(parsed.ok, `verifiers: key ${name} in the state is malformed`)
      key = parsed.value
      const oldest = kept.keys().next()
      if (kept.size === maxKept && !oldest.done) kept.delete(oldest.value)
      kept.set(name, key)
    }
    return verifyProof(curve, key, inputs, proof)
  }
}

export function verifiersModule(check: CheckCall): NativeModule {
  const refuseWith = (fault: Fault) => refusal(verifiersAbi, fault)
  const unknown = (id: Hash): NativeOutcome => ({ ok: false, errorName: 'Unknown', args: [id] })

  async function register(call: NativeCall): Promise<NativeOutcome> {
    const [code, hex] = call.args as [number, Hex]
    const bytes = fromHex(hex)
    const protocol = protocols[code]
    if (protocol === undefined) return { ok: false, errorName: 'BadProtocol', args: [code] }
    call.charge(registerGas.fixed + registerGas.perWord * BigInt(Math.ceil(bytes.length / 32)))
    const key = parseKey(await loadCurve(), protocol, bytes)
    if (!key.ok) return refuseWith(key.fault)
    const name = keyName(protocol, bytes)
    const inputs = publicInputsOf(key.value)
    const record = { name, protocol: code, inputs, registrant: call.caller, bytes }
    const index = await registerKey(call.world, record)
    if (!index.ok) return refuseWith(index.fault)
    call.emit('KeyRegistered', { name, registrant: call.caller, protocol: code, inputs })
    return answer(name)
  }

  return defineModule('Verifiers', moduleAddresses.verifiers, verifiersAbi, {
    register,
    verify: async (call) => {
      const [name, inputs, proof] = call.args as [Hash, readonly bigint[], Hex]
      const verdict = await check(call, name, inputs, fromHex(proof))
      return verdict.ok ? answer(true, '') : answer(false, verdict.fault.code)
    },
    key: async (call) => {
      const [name] = call.args as [Hash]
      const record = await readKey(call.world, name)
      return record === null ? unknown(name) : answer({ ...record, key: toHex(record.bytes) })
    },
    keyCount: async (call) => answer(BigInt(await keyCount(call.world))),
    keyAt: async (call) => {
      const [index] = call.args as [bigint]
      if (index >= BigInt(await keyCount(call.world))) return unknown(zeroHash)
      return answer(await keyAt(call.world, Number(index)))
    },
  })
}
