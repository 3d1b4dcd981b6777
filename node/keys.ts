/**
 * A validator's keys: an account that is paid, a voting key, and the seed of its name on the network.
 * They live in one folder, `account.json`, `voting.json` and `network.seed`, which appears whole or not
 * at all; files are 0600, the folder 0700.
 *
 * Nothing here logs, and no fault carries a secret or a password.
 */
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { publicKeyOf, secretKeyFrom } from '../consensus/bls.ts'
import { type Address, addressOfKey } from '../primitives/address.ts'
import { fromHex, type Hex, toHex } from '../primitives/bytes.ts'
import { provePossession } from '../primitives/possession.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { syncFolder } from '../storage/files.ts'
import {
  accountOf,
  type KeystoreFault,
  openAccountKey,
  openVotingKey,
  type Strength,
  sealAccountKey,
  sealVotingKey,
  votingKeyOf,
} from './keystore.ts'

/** What signs. Never logged, never sent. */
export type ValidatorSecrets = {
  /** secp256k1, 32 bytes: signs transactions and receives pay. */
  readonly accountKey: Uint8Array
  /** BLS12-381, 32 bytes: signs votes. */
  readonly votingKey: Uint8Array
  /** 32 bytes from which the Ed25519 identity of the node on the network is made. */
  readonly networkSeed: Uint8Array
}

/** What everybody may know. */
export type ValidatorNames = {
  readonly address: Address
  /** BLS12-381, compressed G1. */
  readonly publicKey: Hex
}

export type ValidatorKeys = ValidatorNames & ValidatorSecrets

export type KeysFault =
  | (KeystoreFault & { readonly path: string })
  | { readonly code: 'keys/exists'; readonly folder: string }
  | { readonly code: 'keys/missing'; readonly path: string }
  | { readonly code: 'keys/seed'; readonly path: string; readonly length: number }
  | { readonly code: 'keys/noPassword'; readonly path: string }

const files = { account: 'account.json', voting: 'voting.json', network: 'network.seed' } as const

/** Longest file that is read: keystores are about a kilobyte. */
const maxFileBytes = 65_536

/** Fresh secrets from the machine's randomness. */
export function newSecrets(): ValidatorSecrets {
  return {
    // Beyond the curve's order with probability 2^-127.
    accountKey: Uint8Array.from(randomBytes(32)),
    votingKey: secretKeyFrom(Uint8Array.from(randomBytes(32))),
    networkSeed: Uint8Array.from(randomBytes(32)),
  }
}

export function namesOf({ accountKey, votingKey }: ValidatorSecrets): ValidatorNames {
  return { address: addressOfKey(accountKey), publicKey: publicKeyOf(votingKey) }
}

/** What `Staking.register` wants beside the public key: 96 bytes, compressed G2. */
export function possessionOf({ votingKey }: Pick<ValidatorSecrets, 'votingKey'>): Hex {
  return toHex(provePossession(votingKey))
}

/**
 * Write `secrets` under `password` into the new folder `folder`.
 *
 * @param strength - `devnet` only for keys that are public anyway; such folders load only where weak
 * keystores are allowed.
 * @throws {Error} if the disk fails.
 */
export async function createKeys(
  folder: string,
  password: string,
  secrets: ValidatorSecrets = newSecrets(),
  strength: Strength = 'standard',
): Promise<Result<ValidatorNames, KeysFault>> {
  const parent = dirname(resolve(folder))
  await mkdir(parent, { recursive: true, mode: 0o700 })
  const fresh = await mkdtemp(join(parent, '.keys-'))
  try {
    await chmod(fresh, 0o700)
    const account = await sealAccountKey(secrets.accountKey, password, strength)
    const voting = await sealVotingKey(secrets.votingKey, password, strength)
    await writeSecretFile(join(fresh, files.account), account)
    await writeSecretFile(join(fresh, files.voting), voting)
    await writeSecretFile(join(fresh, files.network), `${toHex(secrets.networkSeed)}\n`)
    await syncFolder(fresh)
    // Onto an empty folder it succeeds, onto anything else it fails: keys are never overwritten.
    await rename(fresh, folder)
    await syncFolder(parent)
    return ok(namesOf(secrets))
  } catch (error) {
    const code = codeOf(error)
    const taken = code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR'
    if (!taken) throw error
    return refuse({ code: 'keys/exists', folder })
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

/**
 * Unlock the folder: about two seconds for standard keystores.
 *
 * @throws {Error} if the disk fails.
 */
export async function loadKeys(
  folder: string,
  password: string,
  options: { readonly allowWeak?: boolean | undefined } = {},
): Promise<Result<ValidatorKeys, KeysFault>> {
  const { allowWeak = false } = options
  const account = await readSecretFile(join(folder, files.account))
  if (!account.ok) return account
  const voting = await readSecretFile(join(folder, files.voting))
  if (!voting.ok) return voting
  const networkSeed = await readSeed(join(folder, files.network))
  if (!networkSeed.ok) return networkSeed
  const accountKey = await openAccountKey(account.value, password, allowWeak)
  if (!accountKey.ok) return refuse({ ...accountKey.fault, path: join(folder, files.account) })
  const votingKey = await openVotingKey(voting.value, password, allowWeak)
  if (!votingKey.ok) return refuse({ ...votingKey.fault, path: join(folder, files.voting) })
  const secrets = {
    accountKey: accountKey.value,
    votingKey: votingKey.value,
    networkSeed: networkSeed.value,
  }
  return ok({ ...secrets, ...namesOf(secrets) })
}

/** What the folder's keystores say of themselves, without a password. */
export async function listKeys(folder: string): Promise<Result<ValidatorNames, KeysFault>> {
  const path = { account: join(folder, files.account), voting: join(folder, files.voting) }
  const account = await readSecretFile(path.account)
  if (!account.ok) return account
  const voting = await readSecretFile(path.voting)
  if (!voting.ok) return voting
  const address = accountOf(account.value)
  if (!address.ok) return refuse({ ...address.fault, path: path.account })
  const publicKey = votingKeyOf(voting.value)
  if (!publicKey.ok) return refuse({ ...publicKey.fault, path: path.voting })
  if (address.value !== null) return ok({ address: address.value, publicKey: publicKey.value })
  const why = 'is missing'
  return refuse({ code: 'keystore/malformed', field: 'address', why, path: path.account })
}

/** Folders of keys directly under `root`. */
export async function keyFoldersIn(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  })
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(root, name))
  const found = await Promise.all(folders.map(listKeys))
  return folders.filter((_, i) => found[i]!.ok)
}

/** The only account key of a file, e.g. of a client that opens jobs. @throws {Error} if the disk fails. */
export async function loadAccountKey(
  path: string,
  password: string,
): Promise<Result<Uint8Array, KeysFault>> {
  const text = await readSecretFile(path)
  if (!text.ok) return text
  const secret = await openAccountKey(text.value, password, false)
  return secret.ok ? secret : refuse({ ...secret.fault, path })
}

/** First line of the file; a password is at least one character. */
export async function readPassword(path: string): Promise<Result<string, KeysFault>> {
  const text = await readSecretFile(path)
  if (!text.ok) return text
  const password = text.value.split(/\r?\n/, 1)[0]!
  return password === '' ? refuse({ code: 'keys/noPassword', path }) : ok(password)
}

/** @throws {Error} if the file is there already or the disk fails. */
export async function writeSecretFile(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function readSecretFile(path: string): Promise<Result<string, KeysFault>> {
  try {
    const file = await open(path)
    try {
      const bytes = new Uint8Array(maxFileBytes + 1)
      const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
      if (bytesRead <= maxFileBytes)
        return ok(new TextDecoder().decode(bytes.subarray(0, bytesRead)))
      const why = `is longer than ${maxFileBytes} bytes`
      return refuse({ code: 'keystore/malformed', field: '', why, path })
    } finally {
      await file.close()
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return refuse({ code: 'keys/missing', path })
    throw error
  }
}

async function readSeed(path: string): Promise<Result<Uint8Array, KeysFault>> {
  const text = await readSecretFile(path)
  if (!text.ok) return text
  const seed = text.value.trim()
  return /^0x[0-9a-f]{64}$/.test(seed)
    ? ok(fromHex(seed))
    : refuse({ code: 'keys/seed', path, length: seed.length })
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
