/**
 * Secret keys at rest: the account key as an Ethereum V3 keystore, the voting key as an EIP-2335
 * keystore. Both formats are what other tools of their worlds read and write.
 *
 * What a keystore asks of the machine is bounded before any of it is spent, and a keystore that guards
 * too little is refused unless the caller says that its key is public anyway.
 *
 * @see https://ethereum.org/en/developers/docs/data-structures-and-encoding/web3-secret-storage
 * @see EIP-2335
 */
import { randomBytes } from 'node:crypto'
import { Keystore } from '@chainsafe/bls-keystore'
import { Wallet } from '@ethereumjs/wallet'
import { z } from 'zod'
import { publicKeyOf } from '../consensus/bls.ts'
import { type Address, addressOfKey } from '../primitives/address.ts'
import { fromHex, type Hex, toHex } from '../primitives/bytes.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'

/** How hard guessing the password is made; `devnet` is for keys that everybody knows. */
export type Strength = 'standard' | 'devnet'

export type KeystoreFault =
  | { readonly code: 'keystore/malformed'; readonly field: string; readonly why: string }
  | { readonly code: 'keystore/password' }
  /** Fewer rounds of key derivation than a real key deserves. */
  | { readonly code: 'keystore/weak'; readonly min: number; readonly got: number }
  /** More work than any honest keystore asks for. */
  | { readonly code: 'keystore/costly'; readonly max: number; readonly got: number }
  /** The secret inside is not that of the public part outside. */
  | { readonly code: 'keystore/otherKey'; readonly expected: string; readonly got: string }

/** scrypt work `n · r · p` of new keystores; 256 MiB and about 1.5 s. */
const scryptCost = { n: 262_144, r: 8, p: 1 } as const

/** `n · r · p` of scrypt. The least is what Foundry writes; go-ethereum's "light" is three times that. */
const scryptWork = { min: 65_536, max: 8_388_608 } as const
/** Iterations of PBKDF2. */
const pbkdf2Work = { min: 100_000, max: 4_194_304 } as const

const hexText = z.string().regex(/^(0x)?([0-9a-fA-F]{2})*$/, 'must be hex')

const kdfParamsSchema = z.union([
  z.object({
    dklen: z.literal(32),
    n: z.number().int().min(2),
    r: z.number().int().min(1),
    p: z.number().int().min(1),
    salt: hexText,
  }),
  z.object({
    dklen: z.literal(32),
    c: z.number().int().min(1),
    prf: z.literal('hmac-sha256'),
    salt: hexText,
  }),
])
type KdfParams = z.infer<typeof kdfParamsSchema>

const accountSchema = z.object({
  version: z.literal(3),
  id: z.string(),
  /** Foundry leaves it out. */
  address: z
    .string()
    .regex(/^(0x)?[0-9a-fA-F]{40}$/, 'must be 20 bytes of hex')
    .optional(),
  crypto: z.object({
    cipher: z.literal('aes-128-ctr'),
    cipherparams: z.object({ iv: hexText.length(32) }),
    ciphertext: hexText.length(64),
    kdf: z.enum(['scrypt', 'pbkdf2']),
    kdfparams: kdfParamsSchema,
    mac: hexText.length(64),
  }),
})

const votingSchema = z.object({
  version: z.literal(4),
  pubkey: hexText.length(96),
  crypto: z.object({ kdf: z.object({ params: kdfParamsSchema }) }),
})

/** Text of a V3 keystore that holds the secp256k1 key `secret`. */
export async function sealAccountKey(
  secret: Uint8Array,
  password: string,
  strength: Strength,
): Promise<string> {
  const cost = strength === 'devnet' ? { kdf: 'pbkdf2', c: 1 } : { kdf: 'scrypt', ...scryptCost }
  const keystore = await Wallet.fromPrivateKey(secret).toV3(password, cost)
  return `${JSON.stringify(keystore, null, 2)}\n`
}

/** Text of an EIP-2335 keystore that holds the BLS key `secret`. */
export async function sealVotingKey(
  secret: Uint8Array,
  password: string,
  strength: Strength,
): Promise<string> {
  const salt = toHex(Uint8Array.from(randomBytes(32))).slice(2)
  const kdf =
    strength === 'devnet'
      ? ({ function: 'pbkdf2', params: { dklen: 32, c: 1, prf: 'hmac-sha256', salt } } as const)
      : ({ function: 'scrypt', params: { dklen: 32, ...scryptCost, salt } } as const)
  const about = strength === 'devnet' ? 'INSECURE: everybody knows this key' : 'waggle voting key'
  const publicKey = fromHex(publicKeyOf(secret))
  const keystore = await Keystore.create(password, secret, publicKey, '', about, kdf)
  return `${keystore.stringify()}\n`
}

/** The address that a V3 keystore names, not yet checked against its secret; null if it names none. */
export function accountOf(text: string): Result<Address | null, KeystoreFault> {
  const parsed = parse(text, accountSchema)
  return parsed.ok ? ok(prefixed<Address>(parsed.value.address)) : parsed
}

/** The public key that an EIP-2335 keystore names; not yet checked against its secret. */
export function votingKeyOf(text: string): Result<Hex, KeystoreFault> {
  const parsed = parse(text, votingSchema)
  return parsed.ok ? ok(prefixed<Hex>(parsed.value.pubkey)!) : parsed
}

function prefixed<T extends Hex>(digits: string | undefined): T | null {
  return digits === undefined ? null : (`0x${digits.replace(/^0x/, '').toLowerCase()}` as T)
}

/** The secret in a V3 keystore: 32 bytes. */
export async function openAccountKey(
  text: string,
  password: string,
  allowWeak: boolean,
): Promise<Result<Uint8Array, KeystoreFault>> {
  const parsed = parse(text, accountSchema)
  if (!parsed.ok) return parsed
  const { crypto, address } = parsed.value
  const fault = costFault(crypto.kdfparams, allowWeak) ?? kdfFault(crypto.kdf, crypto.kdfparams)
  if (fault !== null) return refuse(fault)
  let secret: Uint8Array
  try {
    secret = Uint8Array.from((await Wallet.fromV3(text, password, true)).getPrivateKey())
  } catch (error) {
    return refuse(failure(error, /wrong passphrase/i))
  }
  return checkKey(secret, prefixed<Address>(address), addressOfKey(secret))
}

/** The secret in an EIP-2335 keystore: 32 bytes. */
export async function openVotingKey(
  text: string,
  password: string,
  allowWeak: boolean,
): Promise<Result<Uint8Array, KeystoreFault>> {
  const parsed = parse(text, votingSchema)
  if (!parsed.ok) return parsed
  const fault = costFault(parsed.value.crypto.kdf.params, allowWeak)
  if (fault !== null) return refuse(fault)
  let secret: Uint8Array
  try {
    secret = Uint8Array.from(await Keystore.parse(text).decrypt(password))
  } catch (error) {
    return refuse(failure(error, /invalid password/i))
  }
  return checkKey(secret, prefixed(parsed.value.pubkey), publicKeyOf(secret))
}

/** @param wrongPassword - how the library says so. */
function failure(error: unknown, wrongPassword: RegExp): KeystoreFault {
  const why = error instanceof Error ? error.message : String(error)
  return wrongPassword.test(why)
    ? { code: 'keystore/password' }
    : { code: 'keystore/malformed', field: '', why: why.slice(0, 200) }
}

function checkKey(
  secret: Uint8Array,
  expected: Hex | null,
  got: Hex,
): Result<Uint8Array, KeystoreFault> {
  if (expected === null || expected === got) return ok(secret)
  return refuse({ code: 'keystore/otherKey', expected, got })
}

function costFault(params: KdfParams, allowWeak: boolean): KeystoreFault | null {
  const [got, { min, max }] =
    'n' in params ? [params.n * params.r * params.p, scryptWork] : ([params.c, pbkdf2Work] as const)
  if (got > max) return { code: 'keystore/costly', max, got }
  return got < min && !allowWeak ? { code: 'keystore/weak', min, got } : null
}

function kdfFault(kdf: 'scrypt' | 'pbkdf2', params: KdfParams): KeystoreFault | null {
  const fits = (kdf === 'scrypt') === 'n' in params
  const why = `must hold the parameters of ${kdf}`
  return fits ? null : { code: 'keystore/malformed', field: 'crypto.kdfparams', why }
}

function parse<T>(text: string, schema: z.ZodType<T>): Result<T, KeystoreFault> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    return refuse({ code: 'keystore/malformed', field: '', why: (error as Error).message })
  }
  const parsed = schema.safeParse(json)
  if (parsed.success) return ok(parsed.data)
  const { path, message } = parsed.error.issues[0]!
  return refuse({ code: 'keystore/malformed', field: path.join('.'), why: message })
}
