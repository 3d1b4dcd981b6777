/**
 * Files of `waggle zk`: what a circuit is given, and a proof with its public numbers. Both are JSON;
 * numbers are decimal strings, since they do not fit a double.
 */
import { parseHex, toHex } from '../primitives/bytes.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { type CircuitInput, type CircuitName, circuitNames } from '../zk/circuits.ts'
import type { Proven } from '../zk/proveHere.ts'
import { inputsOf } from '../zk/snarkjsJson.ts'
import { proofBytes, protocols } from '../zk/verifier.ts'

export type ZkFileFault = { readonly code: 'zkFile/malformed'; readonly field: string }

export type ZkProofFile = Proven & { readonly circuit: CircuitName }

export function encodeZkProof({ circuit, protocol, inputs, proof }: ZkProofFile): string {
  const file = { circuit, protocol, inputs: inputs.map(String), proof: toHex(proof) }
  return `${JSON.stringify(file, null, 2)}\n`
}

export function decodeZkProof(text: string): Result<ZkProofFile, ZkFileFault> {
  const fields = jsonOf(text)
  if (fields === null) return malformed('')
  const circuit = circuitNames.find((name) => name === fields.circuit)
  if (circuit === undefined) return malformed('circuit')
  const protocol = protocols.find((name) => name === fields.protocol)
  if (protocol === undefined) return malformed('protocol')
  const inputs = inputsOf(fields.inputs)
  if (!inputs.ok) return malformed('inputs')
  const proof = parseHex(String(fields.proof), proofBytes[protocol])
  if (!proof.ok) return malformed('proof')
  return ok({ circuit, protocol, inputs: inputs.value, proof: proof.value })
}

/** Signals by name: whole numbers, or lists and tables of them. */
export function decodeCircuitInput(text: string): Result<CircuitInput, ZkFileFault> {
  const fields = jsonOf(text)
  if (fields === null) return malformed('')
  const input: Record<string, CircuitInput[string]> = {}
  for (const [name, value] of Object.entries(fields)) {
    const numbers = numbersOf(value)
    if (numbers === null) return malformed(name)
    input[name] = numbers
  }
  return ok(input)
}

function numbersOf(value: unknown): CircuitInput[string] | null {
  if (!Array.isArray(value)) return numberOf(value)
  const items = value.map(numbersOf)
  return items.includes(null) ? null : (items as CircuitInput[string])
}

function numberOf(value: unknown): bigint | null {
  return /^-?[0-9]{1,77}$/.test(String(value)) ? BigInt(String(value)) : null
}

function jsonOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null && !Array.isArray(json)
      ? (json as Readonly<Record<string, unknown>>)
      : null
  } catch {
    return null
  }
}

function malformed(field: string): { readonly ok: false; readonly fault: ZkFileFault } {
  return refuse({ code: 'zkFile/malformed', field })
}
