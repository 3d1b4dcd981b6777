/**
 * Where a node's files are: the data folder holds `genesis.json`, `keys/`, `password` and what the node
 * itself keeps.
 */
import { join } from 'node:path'
import { Option } from 'commander'
import type { Io } from './io.ts'

/** The development network's genesis that came with the program. */
export const packagedGenesis: string = join(import.meta.dirname, '..', 'genesis.json')

/** The explorer that came with the program, whether that runs built or from its sources. */
export const packagedExplorer: string = import.meta.filename.endsWith('.ts')
  ? join(import.meta.dirname, '..', 'dist', 'explorer')
  : join(import.meta.dirname, '..', 'explorer')

export function defaultDataDir({ home }: Pick<Io, 'home'>): string {
  return join(home, '.waggle')
}

/** `--data`, which says `~` where people read. */
export function dataOption(io: Pick<Io, 'home'>, description: string): Option {
  return new Option('--data <folder>', description).default(defaultDataDir(io), '~/.waggle')
}

/** Names inside the data folder; the node makes `blobs` if it is not there. */
export const dataFiles = {
  genesis: 'genesis.json',
  keys: 'keys',
  password: 'password',
  blobs: 'blobs',
} as const
