/**
 * A credential about a private dataset: rows as digests with labels, their commitment, and what the
 * circuit takes.
 */
import { hashOf, hashToUint } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { CircuitInput } from './circuits.ts'
import { commit } from './commitment.ts'

/** Rows that the circuit has room for, and labels that it can allow at once. */
export const credentialRows = 32
export const credentialLabels = 8

export type CredentialRow = {
  /** See {@link rowKey}. */
  readonly key: bigint
  /** 0..65,535. */
  readonly label: number
}

export type CredentialClaim = {
  /** The dataset has at least this many rows. */
  readonly least: number
  /** Every row's label is one of these, 1 to 8. */
  readonly labels: readonly number[]
  /** This record is or is not among the rows. */
  readonly record: bigint
  readonly included: boolean
}

export type CredentialFault =
  | { readonly code: 'credential/rows'; readonly got: number; readonly max: number }
  | { readonly code: 'credential/duplicate'; readonly key: bigint }
  | { readonly code: 'credential/untrue'; readonly part: 'least' | 'labels' | 'included' }

/** A row's key: 127 bits of the digest of its features, so that two rows differ if their contents do. */
export function rowKey(features: Uint8Array): bigint {
  return hashToUint(hashOf('waggle/zk/row/v1', features)) >> 129n
}

/** Names the dataset without showing it; the order of `rows` does not matter. */
export function datasetCommitment(rows: readonly CredentialRow[], salt: bigint): bigint {
  const words = padded(ascending(rows)).map((row) =>
    row === null ? 0n : row.key + (BigInt(row.label) << 136n) + (1n << 152n),
  )
  return commit([salt, ...words], 3n)
}

/** Names a record; with salt 0 anybody who knows it can check the name. */
export function recordCommitment(key: bigint, salt: bigint): bigint {
  return commit([salt, key], 4n)
}

/** The circuit's input, refused where the claim is not true of the rows. */
export function credentialInput(
  rows: readonly CredentialRow[],
  salt: bigint,
  claim: CredentialClaim,
  recordSalt: bigint,
): Result<CircuitInput, CredentialFault> {
  const { least, labels, record, included } = claim
  if (rows.length > credentialRows)
    return refuse({ code: 'credential/rows', got: rows.length, max: credentialRows })
  const sorted = ascending(rows)
  const twice = sorted.find(({ key }, i) => i > 0 && sorted[i - 1]!.key === key)
  if (twice !== undefined) return refuse({ code: 'credential/duplicate', key: twice.key })
  if (rows.length < least) return refuse({ code: 'credential/untrue', part: 'least' })
  const known = labels.length >= 1 && labels.length <= credentialLabels
  if (!known || rows.some(({ label }) => !labels.includes(label)))
    return refuse({ code: 'credential/untrue', part: 'labels' })
  if (rows.some(({ key }) => key === record) !== included)
    return refuse({ code: 'credential/untrue', part: 'included' })
  const places = padded(sorted)
  return ok({
    keys: places.map((row) => row?.key ?? 0n),
    labelOf: places.map((row) => BigInt(row?.label ?? 0)),
    used: places.map((row) => (row === null ? 0n : 1n)),
    salt,
    recordKey: record,
    recordSalt,
    least: BigInt(least),
    labels: allLabels(labels),
    included: included ? 1n : 0n,
  })
}

/** The public list of labels: the last is repeated until there are eight. */
export function allLabels(labels: readonly number[]): readonly bigint[] {
  return Array.from({ length: credentialLabels }, (_, i) => BigInt(labels[i] ?? labels.at(-1)!))
}

function ascending(rows: readonly CredentialRow[]): readonly CredentialRow[] {
  return rows.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
}

function padded(rows: readonly CredentialRow[]): readonly (CredentialRow | null)[] {
  return Array.from({ length: credentialRows }, (_, i) => rows[i] ?? null)
}
