/**
 * The name of several datasets taken together: a hash over theirs, so that who has their rows can check
 * that it was these, in this order, which a job names. Rule W-5 of docs/spec/work.md.
 */
import { uintBytes } from '../primitives/bytes.ts'
import { type Hash, hashBytes, hashOf } from '../primitives/hash.ts'

/** A dataset among several. */
type NamedRows = { readonly root: Hash; readonly rows: number }

/** @param salt - tells apart what the same datasets are put together for. */
export function jointName(salt: Hash, parts: readonly NamedRows[]): Hash {
  const listed = parts.flatMap(({ root, rows }) => [hashBytes(root), uintBytes(rows, 4)])
  return hashOf('waggle/joint/v1', hashBytes(salt), ...listed)
}
