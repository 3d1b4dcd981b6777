/**
 * Keys and proofs between snarkjs's JSON and canonical bytes. The JSON comes from files that users
 * name, so every field is checked; the points themselves are checked where the bytes are parsed.
 */
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { Protocol } from './verifier.ts'
import { bytesOfWords } from './words.ts'

export type JsonFault = {
  readonly code: 'zk/json'
  readonly field: string
}

/** A key's or proof's canonical bytes and the system it belongs to. */
export type Encoded = { readonly protocol: Protocol; readonly bytes: Uint8Array }

/** A field that is missing or of another shape; caught in this file only. */
class Wrong extends Error {
  readonly field: string
  constructor(field: string) {
    super(field)
    this.field = field
  }
}

/** Bytes of a `verification_key.json`. */
export function keyBytesOf(json: unknown): Result<Encoded, JsonFault> {
  return encoded(json, (key, protocol) =>
    protocol === 'groth16'
      ? [
          ...g1(key, 'vk_alpha_1'),
          ...['vk_beta_2', 'vk_gamma_2', 'vk_delta_2'].flatMap((field) => g2(key, field)),
          ...inputPoints(key),
        ]
      : [
          ...['power', 'nPublic', 'k1', 'k2'].map((field) => whole(key[field], field)),
          ...['Qm', 'Ql', 'Qr', 'Qo', 'Qc', 'S1', 'S2', 'S3'].flatMap((field) => g1(key, field)),
          ...g2(key, 'X_2'),
        ],
  )
}

/** Bytes of a `proof.json`. */
export function proofBytesOf(json: unknown): Result<Encoded, JsonFault> {
  return encoded(json, (proof, protocol) =>
    protocol === 'groth16'
      ? [...g1(proof, 'pi_a'), ...g2(proof, 'pi_b'), ...g1(proof, 'pi_c')]
      : [
          ...['A', 'B', 'C', 'Z', 'T1', 'T2', 'T3', 'Wxi', 'Wxiw'].flatMap((f) => g1(proof, f)),
          ...['a', 'b', 'c', 's1', 's2', 'zw'].map((f) => whole(proof[`eval_${f}`], `eval_${f}`)),
        ],
  )
}

/** The numbers of a `public.json`. */
export function inputsOf(json: unknown): Result<readonly bigint[], JsonFault> {
  try {
    if (!Array.isArray(json) || json.length > 1_024) throw new Wrong('public')
    return ok(json.map((value, i) => whole(value, `public.${i}`)))
  } catch (error) {
    return wrongField(error)
  }
}

type Fields = Readonly<Record<string, unknown>>

function encoded(
  json: unknown,
  words: (fields: Fields, protocol: Protocol) => readonly bigint[],
): Result<Encoded, JsonFault> {
  try {
    if (typeof json !== 'object' || json === null) throw new Wrong('')
    const fields = json as Fields
    const { protocol, curve } = fields
    if (protocol !== 'groth16' && protocol !== 'plonk') throw new Wrong('protocol')
    if (curve !== 'bn128') throw new Wrong('curve')
    return ok({ protocol, bytes: bytesOfWords(words(fields, protocol)) })
  } catch (error) {
    return wrongField(error)
  }
}

function wrongField(error: unknown): ReturnType<typeof refuse<JsonFault>> {
  if (error instanceof Wrong) return refuse({ code: 'zk/json', field: error.field })
  throw error
}

/** At most 77 digits, as numbers below 2^256 have. */
function whole(value: unknown, field: string): bigint {
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text !== 'string' || !/^[0-9]{1,77}$/.test(text)) throw new Wrong(field)
  return BigInt(text)
}

/** Affine, in projective writing: `[x, y, 1]`. */
function g1(fields: Fields, field: string): readonly bigint[] {
  return affine(fields[field], field)
}

function affine(value: unknown, field: string): readonly bigint[] {
  if (!Array.isArray(value) || value.length !== 3) throw new Wrong(field)
  if (whole(value[2], field) !== 1n) throw new Wrong(field)
  return [whole(value[0], field), whole(value[1], field)]
}

function g2(fields: Fields, field: string): readonly bigint[] {
  const value = fields[field]
  if (!Array.isArray(value) || value.length !== 3) throw new Wrong(field)
  const pairs = value.map((pair: unknown) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw new Wrong(field)
    return [whole(pair[0], field), whole(pair[1], field)] as const
  })
  const [[x0, x1], [y0, y1], [one, zero]] = pairs as [Pair, Pair, Pair]
  if (one !== 1n || zero !== 0n) throw new Wrong(field)
  return [x1, x0, y1, y0]
}

type Pair = readonly [bigint, bigint]

function inputPoints(fields: Fields): readonly bigint[] {
  const { IC } = fields
  if (!Array.isArray(IC) || IC.length > 1_024) throw new Wrong('IC')
  return IC.flatMap((point: unknown, i) => affine(point, `IC.${i}`))
}
