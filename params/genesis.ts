/**
 * `genesis.json`: the one file that defines a chain. Parsed once; errors name the field.
 */
import { z } from 'zod'
import { type Address, parseAddress } from '../primitives/address.ts'
import { type Hex, parseHex } from '../primitives/bytes.ts'
import { type Hash, parseHash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { chainParamsSchema } from './chainParams.ts'
import { maxValidators, moduleAddresses } from './protocol.ts'
import { changedParamsSchema } from './upgrades.ts'

export type GenesisFault = {
  readonly code: 'genesis/field' | 'genesis/json'
  /** Dotted path of the field, e.g. `validators.2.stake`. */
  readonly field: string
  readonly why: string
}

const amount = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,38})$/, 'must be a decimal whole number written as a string')
  .transform((text) => BigInt(text))

const address = z.string().transform((text, context): Address => {
  const parsed = parseAddress(text)
  if (parsed.ok) return parsed.value
  context.addIssue({ code: 'custom', message: 'must be a 20-byte 0x address' })
  return z.NEVER
})

const hash = z.string().transform((text, context): Hash => {
  const parsed = parseHash(text)
  if (parsed.ok) return parsed.value
  context.addIssue({ code: 'custom', message: 'must be a 32-byte lowercase 0x hash' })
  return z.NEVER
})

const hexOf = (bytes: number) =>
  z.string().transform((text, context): Hex => {
    const parsed = parseHex(text, bytes)
    if (parsed.ok && parsed.value.length === bytes) return text.toLowerCase() as Hex
    context.addIssue({ code: 'custom', message: `must be ${bytes} bytes of 0x hex` })
    return z.NEVER
  })

const whole = (min: number, max: number) => z.number().int().min(min).max(max)

const validatorSchema = z.strictObject({
  address,
  /** BLS12-381 public key, compressed G1. */
  publicKey: hexOf(48),
  /** Signature of the key over itself, compressed G2: no rogue keys in aggregates. */
  possession: hexOf(96),
  /** Gwei. */
  stake: amount,
  /** Least price per MAC it works for, wei. */
  ask: amount,
  /** Largest model it accepts, in weights. */
  maxParams: whole(1, 2 ** 40),
})

const datasetSchema = z.strictObject({
  name: z.string().min(1).max(64),
  /** Merkle root over rows; see docs/spec/work.md. */
  root: hash,
  /** Content hash of the blob that holds the rows. */
  blob: hash,
  rows: whole(1, 2 ** 32 - 1),
  features: whole(1, 61_440),
  classes: whole(2, 61_440),
  owner: address,
})

const firstJobSchema = z.strictObject({
  dataset: datasetSchema,
  layers: z.array(whole(1, 61_440)).min(2).max(33),
  batch: whole(1, 65_536),
  steps: whole(1, 2 ** 31),
  leaseSteps: whole(1, 64),
  fractionBits: whole(1, 20),
  forwardShifts: z.array(whole(1, 10)),
  backwardShifts: z.array(whole(1, 10)),
  updateShifts: z.array(whole(0, 20)),
  initBound: whole(1, 127),
  pricePerMac: amount,
})

const verificationKeySchema = z.strictObject({
  /** For readers: which facts its proofs show, and whom the key may be trusted by. */
  title: z.string().min(1).max(96),
  /** Digest of protocol and key, checked where block 0 is made; see docs/spec/private.md. */
  name: hash,
  protocol: z.enum(['groth16', 'plonk']),
  /** Canonical bytes. */
  key: z.string().regex(/^0x([0-9a-f]{64}){1,144}$/, 'must be at most 144 words of 0x hex'),
})

const genesisSchema = z.strictObject({
  name: z.string().min(1).max(64),
  chainId: whole(1, 2 ** 47),
  /** Unix seconds; blocks are later. */
  timestamp: whole(1, 2 ** 40),
  extraData: z.string().regex(/^0x([0-9a-f]{2}){0,32}$/, 'must be at most 32 bytes of 0x hex'),
  params: chainParamsSchema,
  /** Rule changes by height, ascending; the first is at height 0. */
  upgrades: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(32),
        height: whole(0, 2 ** 47),
        /** What the rules of `params` become from this height on. */
        params: changedParamsSchema.optional(),
      }),
    )
    .min(1),
  validators: z.array(validatorSchema).min(1).max(maxValidators),
  /** Wei by address. */
  balances: z.record(z.string(), amount),
  treasury: z.strictObject({ balance: amount }),
  firstJob: firstJobSchema.nullable(),
  /** Keys of zero-knowledge proofs that are registered from the start. */
  verificationKeys: z.array(verificationKeySchema).max(64).default([]),
  /** libp2p addresses of peers that every node knows from the start. */
  peers: z
    .array(z.string().regex(/^(\/[^/\s]+)+$/, 'must be a multiaddr such as /ip4/…/tcp/…'))
    .max(64)
    .default([]),
})

type Parsed = z.infer<typeof genesisSchema>

export type GenesisUpgrade = Parsed['upgrades'][number]
export type GenesisJob = Readonly<z.infer<typeof firstJobSchema>>
export type GenesisKey = Readonly<z.infer<typeof verificationKeySchema>>

/** A checked genesis. `balances` has lowercase keys, each address once. */
export type Genesis = Readonly<Omit<Parsed, 'balances'>> & {
  readonly balances: ReadonlyMap<Address, bigint>
}

/** Parse the text of a `genesis.json`. */
export function parseGenesis(text: string): Result<Genesis, GenesisFault> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    return refuse({ code: 'genesis/json', field: '', why: (error as Error).message })
  }
  const parsed = genesisSchema.safeParse(json)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    return wrong(issue.path.join('.'), issue.message)
  }
  return checkTogether(parsed.data)
}

/** Rules that tie fields to each other. */
function checkTogether(genesis: Parsed): Result<Genesis, GenesisFault> {
  const found = upgradesFault(genesis) ?? validatorsFault(genesis) ?? firstJobFault(genesis)
  if (found !== null) return found
  const { minBlockIntervalMs, idleBlockIntervalMs } = genesis.params
  if (idleBlockIntervalMs < minBlockIntervalMs)
    return wrong('params.idleBlockIntervalMs', `must be at least ${minBlockIntervalMs}`)
  return balancesOf(genesis)
}

type Wrong = ReturnType<typeof wrong>

function upgradesFault({ upgrades }: Parsed): Wrong | null {
  if (upgrades[0]!.height !== 0) return wrong('upgrades.0.height', 'must be 0')
  if (upgrades[0]!.params !== undefined)
    return wrong('upgrades.0.params', 'must be written in params')
  const i = upgrades.findIndex(
    (upgrade, at) => at > 0 && upgrade.height <= upgrades[at - 1]!.height,
  )
  return i === -1 ? null : wrong(`upgrades.${i}.height`, 'must be above the one before')
}

function validatorsFault({ validators, params }: Parsed): Wrong | null {
  const seen = new Set<string>()
  for (const [i, { stake, address, publicKey }] of validators.entries()) {
    if (stake < params.minStake)
      return wrong(`validators.${i}.stake`, `must be at least ${params.minStake} gwei`)
    if (seen.has(address)) return wrong(`validators.${i}.address`, 'is named twice')
    if (seen.has(publicKey)) return wrong(`validators.${i}.publicKey`, 'is named twice')
    seen.add(address).add(publicKey)
  }
  return null
}

function firstJobFault({ firstJob: job }: Parsed): Wrong | null {
  if (job === null) return null
  const depth = job.layers.length - 1
  const lengths = { forwardShifts: depth, updateShifts: depth, backwardShifts: depth - 1 } as const
  for (const field of ['forwardShifts', 'updateShifts', 'backwardShifts'] as const)
    if (job[field].length !== lengths[field])
      return wrong(`firstJob.${field}`, `must have ${lengths[field]} entries`)
  return null
}

function balancesOf(genesis: Parsed): Result<Genesis, GenesisFault> {
  const modules = new Set<string>(Object.values(moduleAddresses))
  const balances = new Map<Address, bigint>()
  for (const [text, balance] of Object.entries(genesis.balances)) {
    const parsed = parseAddress(text)
    if (!parsed.ok) return wrong(`balances.${text}`, 'is not a 20-byte 0x address')
    if (balances.has(parsed.value)) return wrong(`balances.${text}`, 'is named twice')
    if (modules.has(parsed.value)) return wrong(`balances.${text}`, 'is a native module')
    balances.set(parsed.value, balance)
  }
  return ok({ ...genesis, balances })
}

function wrong(field: string, why: string): { readonly ok: false; readonly fault: GenesisFault } {
  return refuse({ code: 'genesis/field', field, why })
}
