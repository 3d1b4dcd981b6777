// Whether what is generated was made of the sources that are there: by content, not by date.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { relative, sep } from 'node:path'

/**
 * Over everything that decides the result.
 *
 * @param root - the folder that names are relative to, so that the digest holds wherever it lies.
 * @param paths - files, in any order.
 * @param settings - flags and versions, as JSON can write them.
 */
export function digestOf(root, paths, settings) {
  const hash = createHash('sha256').update(JSON.stringify(settings))
  for (const path of [...paths].sort())
    hash.update(`\n${relative(root, path).split(sep).join('/')}\n`).update(readFileSync(path))
  return hash.digest('hex')
}

/** Whether `product` is there and `stamp` says that it was made of `digest`. */
export function isCurrent(product, stamp, digest) {
  return existsSync(product) && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest
}
