/**
 * Sidecars of committed certificates, kept for nodes that sync, explorers and anyone who wants to check
 * a proof again; and what making and judging them cost this node.
 *
 * Keys: `n` name: height, milliseconds to prove and to verify (0: not done here), bytes; `h` height
 * name: nothing, for pruning in order.
 */
import { concatBytes, uintBytes, utf8ToBytes } from '../primitives/bytes.ts'
import { decode, Writer } from '../primitives/codec.ts'
import { type Hash, hashBytes, hashFromBytes } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import type { KeyValue } from '../storage/keyValue.ts'

export type SidecarTimes = {
  /** Milliseconds; 0 where another node did it. */
  readonly proveMs: number
  readonly verifyMs: number
}

export type KeptSidecar = SidecarTimes & {
  readonly height: bigint
  readonly bytes: Uint8Array
}

export type SidecarStore = {
  /** Remember what a sidecar cost, until its certificate is committed. */
  readonly note: (name: Hash, times: Partial<SidecarTimes>) => void
  /** Keep the sidecar of a certificate in block `height`. */
  readonly put: (height: bigint, name: Hash, bytes: Uint8Array) => Promise<void>
  readonly get: (name: Hash) => Promise<KeptSidecar | null>
  /** Forget those of blocks below `height`, a bounded number at a time. */
  readonly prune: (height: bigint) => Promise<void>
}

/** Sidecars pruned in one go; a block has fewer. */
const pruneLimit = 64

/** Times noted of certificates that may never be committed. */
const maxNoted = 256

const nameKey = (name: Hash) => concatBytes(utf8ToBytes('n'), hashBytes(name))
const heightKey = (height: bigint, rest: Uint8Array = new Uint8Array(0)) =>
  concatBytes(utf8ToBytes('h'), uintBytes(height, 8), rest)

export function createSidecarStore(store: KeyValue): SidecarStore {
  const noted = new Map<Hash, SidecarTimes>()

  function note(name: Hash, times: Partial<SidecarTimes>): void {
    noted.set(name, { proveMs: 0, verifyMs: 0, ...noted.get(name), ...times })
    if (noted.size > maxNoted) noted.delete(noted.keys().next().value!)
  }

  async function put(height: bigint, name: Hash, bytes: Uint8Array): Promise<void> {
    const { proveMs, verifyMs } = noted.get(name) ?? { proveMs: 0, verifyMs: 0 }
    noted.delete(name)
    const value = new Writer()
      .uint(height, 8)
      .uint(Math.ceil(proveMs), 4)
      .uint(Math.ceil(verifyMs), 4)
      .fixed(bytes)
      .bytes()
    await store.batch([
      { key: nameKey(name), value },
      { key: heightKey(height, hashBytes(name)), value: new Uint8Array(0) },
    ])
  }

  async function get(name: Hash): Promise<KeptSidecar | null> {
    const stored = await store.get(nameKey(name))
    if (stored === null) return null
    const decoded = decode(stored, (reader) => ({
      height: reader.uint(8),
      proveMs: reader.number(4),
      verifyMs: reader.number(4),
      bytes: reader.fixed(stored.length - 16),
    }))
    invariant(decoded.ok, `sidecarStore: ${name} is damaged`)
    return decoded.value
  }

  async function prune(height: bigint): Promise<void> {
    if (height <= 0n) return
    const range = { from: heightKey(0n), to: heightKey(height), limit: pruneLimit }
    const keys: Uint8Array[] = []
    for await (const [key] of store.scan(range)) {
      keys.push(key, nameKey(hashFromBytes(key.slice(9))))
    }
    if (keys.length > 0) await store.batch(keys.map((key) => ({ key, value: null })))
  }

  return { note, put, get, prune }
}
