/**
 * The values of one height: envelopes put together from checked parts, and their sidecars. Only values
 * that the machine looks for are kept, so peers cannot fill it.
 */
import { envelopeName, partBytes } from '../chain/envelope.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { bitmapOf, hasBit } from './bitmap.ts'
import {
  cutParts,
  type Levels,
  levelsOf,
  type PartFault,
  partCount,
  partFault,
  rootOf,
} from './envelopeParts.ts'
import type { ValueWant } from './status.ts'
import type { EnvelopePart, WireMessage } from './wire.ts'

export type ValueStoreModules = {
  readonly height: bigint
  /** Bound on an encoded envelope. */
  readonly maxEnvelopeBytes: number
  /** Bound on all sidecars of one value. */
  readonly maxSidecarBytes: number
  readonly requiredSidecars: (bytes: Uint8Array) => readonly Hash[]
  readonly sidecarName: (bytes: Uint8Array) => Hash
}

export type ValueFault =
  | PartFault
  | { readonly code: 'sidecar/unknown'; readonly value: Hash; readonly name: Hash }
  | { readonly code: 'sidecar/size'; readonly max: number; readonly got: number }

/** What a part or sidecar did: nothing, progress, or it was the last one missing. */
export type Progress = 'ignored' | 'added' | 'completed'

/** An envelope whose parts are all here. */
type Whole = {
  readonly bytes: Uint8Array
  readonly partsRoot: Hash
  readonly required: readonly Hash[]
  readonly sidecars: Map<Hash, Uint8Array>
  /** Merkle levels over the parts, made when a peer first asks for some. */
  levels: Levels | null
}

/** What came before it could be used: lanes of a network may overtake each other. */
type Early =
  | { readonly type: 'part'; readonly value: Hash; readonly part: EnvelopePart }
  | { readonly type: 'sidecar'; readonly value: Hash; readonly bytes: Uint8Array }

/** Bound on the bytes that are kept early; the oldest go first, and repetition brings them again. */
const maxEarlyBytes = 4_194_304

type Entry = { readonly parts: Map<number, Uint8Array>; whole: Whole | null }

export type ValueStore = {
  /** From now on keep these values and no others. */
  readonly want: (values: readonly Hash[]) => void
  readonly addPart: (part: EnvelopePart) => Result<Progress, ValueFault>
  readonly addSidecar: (value: Hash, bytes: Uint8Array) => Result<Progress, ValueFault>
  /** A value from our own builder or log: kept until the next `want` without it. */
  readonly addOwn: (bytes: Uint8Array, sidecars: readonly Uint8Array[]) => Hash
  readonly bytesOf: (value: Hash) => Uint8Array | null
  /** Every required sidecar by name, or null while one is missing. */
  readonly sidecarsOf: (value: Hash) => ReadonlyMap<Hash, Uint8Array> | null
  readonly partsRootOf: (value: Hash) => Hash | null
  /** What of `value` is here, for a status. */
  readonly progress: (value: Hash) => ValueWant
  /** Parts and sidecars that `want` lacks and we hold, up to about `budget` bytes of them. */
  readonly supply: (want: ValueWant, budget: number) => readonly WireMessage[]
}

export function createValueStore(modules: ValueStoreModules): ValueStore {
  const { height, maxEnvelopeBytes, maxSidecarBytes, requiredSidecars, sidecarName } = modules
  const entries = new Map<Hash, Entry>()
  let early: Early[] = []

  function keepEarly(item: Early): Result<Progress, ValueFault> {
    early.push(item)
    let held = early.reduce((sum, one) => sum + sizeOf(one), 0)
    while (held > maxEarlyBytes) held -= sizeOf(early.shift()!)
    return ok('ignored')
  }

  /** Take up what came too early for `value`; nobody is blamed for what of it is wrong. */
  function takeEarly(value: Hash): void {
    const due = early.filter((item) => item.value === value)
    early = early.filter((item) => item.value !== value)
    for (const item of due)
      if (item.type === 'part') addPart(item.part)
      else addSidecar(value, item.bytes)
  }

  function makeWhole(
    value: Hash,
    entry: Entry,
    bytes: Uint8Array,
    partsRoot: Hash,
    levels: Levels | null,
  ): Whole {
    const required = requiredSidecars(bytes)
    const whole: Whole = { bytes, partsRoot, required, sidecars: new Map(), levels }
    entry.whole = whole
    entry.parts.clear()
    takeEarly(value)
    return whole
  }

  function addPart(part: EnvelopePart): Result<Progress, ValueFault> {
    const entry = entries.get(part.value)
    if (entry === undefined) return keepEarly({ type: 'part', value: part.value, part })
    if (entry.whole !== null || entry.parts.has(part.index)) return ok('ignored')
    const fault = partFault(part, maxEnvelopeBytes)
    if (fault !== null) return refuse(fault)
    entry.parts.set(part.index, part.bytes)
    if (entry.parts.size < partCount(part.size)) return ok('added')
    const bytes = new Uint8Array(part.size)
    for (const [index, piece] of entry.parts) bytes.set(piece, index * partBytes)
    makeWhole(part.value, entry, bytes, part.partsRoot, null)
    return ok('completed')
  }

  function addSidecar(value: Hash, bytes: Uint8Array): Result<Progress, ValueFault> {
    const whole = entries.get(value)?.whole ?? null
    if (whole === null) return keepEarly({ type: 'sidecar', value, bytes })
    if (isReady(whole)) return ok('ignored')
    const name = sidecarName(bytes)
    if (whole.sidecars.has(name)) return ok('ignored')
    if (!whole.required.includes(name)) return refuse({ code: 'sidecar/unknown', value, name })
    let held = bytes.length
    for (const sidecar of whole.sidecars.values()) held += sidecar.length
    if (held > maxSidecarBytes)
      return refuse({ code: 'sidecar/size', max: maxSidecarBytes, got: held })
    whole.sidecars.set(name, bytes)
    return ok(isReady(whole) ? 'completed' : 'added')
  }

  return {
    want: (values) => {
      const wanted = new Set(values)
      for (const value of entries.keys()) if (!wanted.has(value)) entries.delete(value)
      for (const value of wanted) {
        if (entries.has(value)) continue
        entries.set(value, { parts: new Map(), whole: null })
        takeEarly(value)
      }
    },
    addPart,
    addSidecar,
    addOwn: (bytes, sidecars) => {
      const levels = levelsOf(bytes)
      const partsRoot = rootOf(levels)
      const value = envelopeName(bytes.length, partsRoot)
      const entry = entries.get(value) ?? { parts: new Map(), whole: null }
      entries.set(value, entry)
      const whole = entry.whole ?? makeWhole(value, entry, bytes, partsRoot, levels)
      for (const sidecar of sidecars) {
        const name = sidecarName(sidecar)
        if (whole.required.includes(name)) whole.sidecars.set(name, sidecar)
      }
      return value
    },
    bytesOf: (value) => entries.get(value)?.whole?.bytes ?? null,
    sidecarsOf: (value) => {
      const whole = entries.get(value)?.whole ?? null
      return whole !== null && isReady(whole) ? whole.sidecars : null
    },
    partsRootOf: (value) => entries.get(value)?.whole?.partsRoot ?? null,
    progress: (value) => progressOf(value, entries.get(value)),
    supply: (want, budget) => {
      const whole = entries.get(want.value)?.whole ?? null
      return whole === null ? [] : supplyFrom(height, whole, want, budget)
    },
  }
}

function sizeOf(item: Early): number {
  return (item.type === 'part' ? item.part : item).bytes.length
}

function isReady(whole: Whole): boolean {
  return whole.required.every((name) => whole.sidecars.has(name))
}

function progressOf(value: Hash, entry: Entry | undefined): ValueWant {
  if (entry === undefined) return { value, parts: new Uint8Array(), sidecars: null }
  const { whole, parts } = entry
  if (whole === null) {
    const last = Math.max(-1, ...parts.keys())
    return { value, parts: bitmapOf(last + 1, (index) => parts.has(index)), sidecars: null }
  }
  const { bytes, required, sidecars } = whole
  const hasSidecar = (index: number) => sidecars.has(required[index]!)
  return {
    value,
    parts: bitmapOf(partCount(bytes.length), () => true),
    sidecars: bitmapOf(Math.min(required.length, maxStatusSidecars), hasSidecar),
  }
}

/** Sidecars that a status can name; further ones are sent without being asked for. */
const maxStatusSidecars = 256

function supplyFrom(
  height: bigint,
  whole: Whole,
  want: ValueWant,
  budget: number,
): readonly WireMessage[] {
  const { bytes, partsRoot, required, sidecars } = whole
  whole.levels ??= levelsOf(bytes)
  const missing = { height, value: want.value, partsRoot, known: want.parts }
  const parts = cutParts(bytes, whole.levels, missing, budget)
  const messages = parts.map((part): WireMessage => ({ type: 'part', part }))
  let left = budget - parts.reduce((sum, part) => sum + part.bytes.length, 0)
  for (const [index, name] of required.entries()) {
    const sidecar = sidecars.get(name)
    const has = want.sidecars !== null && hasBit(want.sidecars, index)
    if (sidecar === undefined || has || left <= 0) continue
    messages.push({ type: 'sidecar', height, value: want.value, bytes: sidecar })
    left -= sidecar.length
  }
  return messages
}
