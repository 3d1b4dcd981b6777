/**
 * Retrieval challenges: the beacon draws something that is kept, one of its keepers and a part of it; the
 * keeper shows that part on the chain, or pays.
 *
 * A part of a dataset is a row with its Merkle path. A part of weights is a position of the code that
 * the proof system's commitment hashes: it depends on a whole layout row of all weights at once, so that
 * who kept only some of them cannot show it. Rules E-34 to E-37 of docs/spec/economy.md.
 */
import type { ChainParams } from '../params/chainParams.ts'
import { moduleAddresses } from '../params/protocol.ts'
import type { Address } from '../primitives/address.ts'
import { uintBytes } from '../primitives/bytes.ts'
import { type Hash, hashBytes, hashOf, hashToUint } from '../primitives/hash.ts'
import { checkMerklePath, merkleLeaf } from '../primitives/merkle.ts'
import { invariant, ok, type Result, refuse } from '../primitives/result.ts'
import { partsOf, readDataset } from './datasets.ts'
import { splitFee } from './formulas.ts'
import { type Job, ProofKind } from './job.ts'
import { type JobRecord, readJob } from './jobRecord.ts'
import { keepersOf, type Subject } from './keepers.ts'
import { addressOfWord, hashOfWord, listItem, listLength, slotOf } from './layout.ts'
import { burn } from './ledger.ts'
import { leaseFee } from './misses.ts'
import { modelAt, modelCount } from './models.ts'
import { recordPenalty } from './penaltyHistory.ts'
import type { World } from './records.ts'
import { recordEarning, recordMiss } from './service.ts'
import { penalise } from './stakes.ts'
import { epochOf } from './validatorSet.ts'

const statuses = ['none', 'open', 'answered', 'missed'] as const
const kinds = ['rows', 'weights'] as const

export type Challenge = {
  /** Height of the block that drew it; its name. */
  readonly drawnAt: bigint
  readonly status: (typeof statuses)[number]
  readonly kind: Subject['kind']
  /** The job whose rows or weights are asked for. */
  readonly job: Hash
  /** What the part is checked against: the dataset's root, or the commitment to the weights. */
  readonly root: Hash
  /** The blob that holds it. */
  readonly blob: Hash
  /** Which row, or which position modulo the code's length. */
  readonly index: number
  readonly keeper: Address
}

/** A part of something kept, and the digests that lead from it to the root. */
export type Part = { readonly data: Uint8Array; readonly path: readonly Uint8Array[] }

/** Whether `part` is position `index` of the commitment to weights of `job`; the proof system's. */
export type CheckWeightsPart = (job: Job, commitment: Hash, index: number, part: Part) => boolean

export type ChallengeFault =
  | { readonly code: 'custody/noChallenge'; readonly drawnAt: bigint }
  | { readonly code: 'custody/notKeeper'; readonly keeper: Address }
  | { readonly code: 'custody/wrongPart'; readonly index: bigint }

/** Challenges of which a record is kept. */
const keptChallenges = 256n
/** Newest models whose weights are asked for. */
const keptModels = 64
/** An answer is paid this part of the pot. */
const potShare = 64n

const fields = ['drawnAt', 'status', 'kind', 'job', 'root', 'blob', 'index', 'keeper'] as const
const place = (drawnAt: bigint, params: ChainParams, field: (typeof fields)[number]): bigint =>
  slotOf('challenge', (drawnAt / BigInt(params.challengeInterval)) % keptChallenges) +
  BigInt(fields.indexOf(field))

/** Blocks in which a challenge may be answered: its record must still be there when they are over. */
function timeToAnswer(params: ChainParams): bigint {
  const most = (keptChallenges - 1n) * BigInt(params.challengeInterval)
  const blocks = BigInt(params.challengeBlocks)
  return blocks < most ? blocks : most
}

export async function readChallenge(
  world: World,
  params: ChainParams,
  drawnAt: bigint,
): Promise<Challenge | null> {
  const get = (field: (typeof fields)[number]) => world.jobs.get(place(drawnAt, params, field))
  const status = statuses[Number(await get('status'))]!
  if (drawnAt < 1n || (await get('drawnAt')) !== drawnAt || status === 'none') return null
  return {
    drawnAt,
    status,
    kind: kinds[Number(await get('kind'))]!,
    job: hashOfWord(await get('job')),
    root: hashOfWord(await get('root')),
    blob: hashOfWord(await get('blob')),
    index: Number(await get('index')),
    keeper: addressOfWord(await get('keeper')),
  }
}

async function setStatus(
  world: World,
  params: ChainParams,
  drawnAt: bigint,
  status: Challenge['status'],
): Promise<void> {
  await world.jobs.put(place(drawnAt, params, 'status'), BigInt(statuses.indexOf(status)))
}

/** The challenges that the block after `head` may still answer, oldest first. */
export async function openChallenges(
  world: World,
  params: ChainParams,
  head: bigint,
): Promise<readonly Challenge[]> {
  const interval = BigInt(params.challengeInterval)
  const found: Challenge[] = []
  const newest = head - (head % interval)
  for (let at = newest; at > 0n && at + timeToAnswer(params) > head + 1n; at -= interval) {
    const challenge = await readChallenge(world, params, at)
    if (challenge?.status === 'open') found.unshift(challenge)
  }
  return found
}

/** At the start of block `height`: whose time is over pays, and a new challenge is drawn if one is due. */
export async function passChallenges(
  world: World,
  params: ChainParams,
  height: bigint,
  beacon: Hash,
): Promise<void> {
  const interval = BigInt(params.challengeInterval)
  const over = height - timeToAnswer(params)
  if (over > 0n && over % interval === 0n) await settleMissed(world, params, over, height)
  if (height % interval === 0n) await draw(world, params, height, beacon)
}

/** An unanswered challenge costs what a missed lease of its job costs: half burned, half to the pot. */
async function settleMissed(
  world: World,
  params: ChainParams,
  drawnAt: bigint,
  height: bigint,
): Promise<void> {
  const challenge = await readChallenge(world, params, drawnAt)
  if (challenge?.status !== 'open') return
  const record = await readJob(world, challenge.job)
  invariant(record !== null, 'challenges: a job that was drawn is there')
  await setStatus(world, params, drawnAt, 'missed')
  const fee = leaseFee(record.job, 0, params)
  const penalty = await penalise(world, challenge.keeper, splitFee(fee).worker / 10n)
  await burn(world, moduleAddresses.staking, penalty - penalty / 2n)
  await world.purse.transfer(moduleAddresses.staking, moduleAddresses.custody, penalty / 2n)
  await recordMiss(world, challenge.keeper, fee)
  const taken = { height, wei: penalty, own: penalty }
  await recordPenalty(world, 'missedChallenges', challenge.keeper, taken)
}

async function draw(
  world: World,
  params: ChainParams,
  height: bigint,
  beacon: Hash,
): Promise<void> {
  const pick = (what: number, of: number) =>
    Number(
      hashToUint(
        hashOf('waggle/challenge/v1', hashBytes(beacon), uintBytes(height, 8), uintBytes(what, 1)),
      ) % BigInt(of),
    )
  await setStatus(world, params, height, 'none')
  const record = await drawJob(world, params, height, (of) => pick(0, of))
  if (record === null) return
  const { id, job, state } = record
  const asked = pick(1, 2) === 0 ? await readDataset(world, job.dataset) : null
  const parts = asked === null ? [] : partsOf(asked)
  const dataset = parts.length > 1 ? parts[pick(4, parts.length)]! : (parts[0] ?? null)
  const subject: Subject =
    dataset === null ? { kind: 'weights', name: id, job } : { kind: 'rows', name: dataset.root }
  const keepers = await keepersOf(world, params, subject, height)
  if (keepers.length === 0) return
  const challenge: Challenge = {
    drawnAt: height,
    status: 'open',
    kind: subject.kind,
    job: id,
    root: dataset?.root ?? state.commitment,
    blob: dataset?.blob ?? state.weights,
    index: pick(2, dataset?.rows ?? 2 ** 32),
    keeper: keepers[pick(3, keepers.length)]!,
  }
  for (const field of fields)
    await world.jobs.put(place(height, params, field), wordOf(challenge[field]))
}

function wordOf(value: Challenge[keyof Challenge]): bigint {
  const status = (statuses as readonly unknown[]).indexOf(value)
  const kind = (kinds as readonly unknown[]).indexOf(value)
  return BigInt(status >= 0 ? status : kind >= 0 ? kind : value)
}

/** A running job, or one whose model is among the newest and not too old, that has certified weights. */
async function drawJob(
  world: World,
  params: ChainParams,
  height: bigint,
  pick: (of: number) => number,
): Promise<JobRecord | null> {
  const active = await listLength(world.jobs, 'active')
  const models = await modelCount(world)
  const among = active + Math.min(models, keptModels)
  if (among === 0) return null
  const index = pick(among)
  const id =
    index < active
      ? hashOfWord(await listItem(world.jobs, index, 'active'))
      : await modelAt(world, models - 1 - (index - active))
  const record = await readJob(world, id)
  return record !== null && isKept(record, params, height) ? record : null
}

/** Whether a job's rows and weights are kept: proven, certified at least once, not long finished. */
export function isKept(
  { job, state }: JobRecord,
  { epochLength, keepEpochs }: ChainParams,
  height: bigint,
): boolean {
  if (job.proofKind !== ProofKind.StepProof || state.range === 0) return false
  return epochOf(height, epochLength) <= epochOf(state.rangeSince, epochLength) + keepEpochs
}

/** Take `caller`'s answer in the block at `height`; returns the wei it is paid from the pot. */
export async function answerChallenge(
  world: World,
  params: ChainParams,
  answer: { readonly drawnAt: bigint; readonly part: Part },
  caller: Address,
  height: bigint,
  checkWeights: CheckWeightsPart,
): Promise<Result<bigint, ChallengeFault>> {
  const { drawnAt, part } = answer
  const challenge = await readChallenge(world, params, drawnAt)
  const late = challenge !== null && height >= drawnAt + timeToAnswer(params)
  if (challenge?.status !== 'open' || late) return refuse({ code: 'custody/noChallenge', drawnAt })
  const { keeper, index } = challenge
  if (caller !== keeper) return refuse({ code: 'custody/notKeeper', keeper })
  if (!(await isPart(world, challenge, part, checkWeights)))
    return refuse({ code: 'custody/wrongPart', index: BigInt(index) })
  return ok(await payAnswer(world, params, challenge))
}

/** Pay the keeper of an open challenge that it has answered. Returns the wei. */
export async function payAnswer(
  world: World,
  params: ChainParams,
  { drawnAt, keeper }: Challenge,
): Promise<bigint> {
  await setStatus(world, params, drawnAt, 'answered')
  const pay = (await world.purse.balance(moduleAddresses.custody)) / potShare
  await world.purse.transfer(moduleAddresses.custody, keeper, pay)
  await recordEarning(world, keeper, pay)
  return pay
}

async function isPart(
  world: World,
  { kind, root, job, index }: Challenge,
  part: Part,
  checkWeights: CheckWeightsPart,
): Promise<boolean> {
  if (kind === 'weights') {
    const record = await readJob(world, job)
    invariant(record !== null, 'challenges: a job that was drawn is there')
    return checkWeights(record.job, root, index, part)
  }
  const dataset = await readDataset(world, root)
  invariant(dataset !== null, 'challenges: a dataset that was drawn is there')
  const { rows, features } = dataset
  const fits = part.data.length === features + 2
  return fits && checkMerklePath(root, rows, index, merkleLeaf(part.data), part.path)
}
