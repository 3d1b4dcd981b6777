/**
 * A part of a store: every key is under a prefix that the user of the part does not see.
 */
import { concatBytes } from '../primitives/bytes.ts'
import type { KeyValue, Range } from './keyValue.ts'

/**
 * The part of `base` under `prefix`. Parts of one store need prefixes of which none starts another.
 * Closing a part leaves `base` open.
 */
export function prefixed(base: KeyValue, prefix: Uint8Array): KeyValue {
  const under = (key: Uint8Array) => concatBytes(prefix, key)

  async function* scan({
    from,
    to,
    ...rest
  }: Range): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    for await (const [key, value] of base.scan({ from: under(from), to: under(to), ...rest }))
      yield [key.slice(prefix.length), value]
  }

  return {
    get: (key) => base.get(under(key)),
    batch: (writes, sync) =>
      base.batch(
        writes.map(({ key, value }) => ({ key: under(key), value })),
        sync,
      ),
    scan,
    close: async () => {},
  }
}
