/**
 * The list of blobs that an operator refuses to keep: a hash per line, `#` begins a remark.
 */
import { readFile } from 'node:fs/promises'
import { type Hash, parseHash } from '../primitives/hash.ts'

/** Empty where there is no `path`. @throws {Error} if the file cannot be read, or with the number of a line that is no hash. */
export async function readRefuseList(path: string | undefined): Promise<ReadonlySet<Hash>> {
  const refused = new Set<Hash>()
  if (path === undefined) return refused
  for (const [i, line] of (await readFile(path, 'utf8')).split('\n').entries()) {
    const text = line.replace(/#.*/, '').trim()
    if (text === '') continue
    const hash = parseHash(text)
    if (!hash.ok) throw new Error(`${path}, line ${i + 1}: ${hash.fault.got} is no blob's hash`)
    refused.add(hash.value)
  }
  return refused
}
