/**
 * Chain parameters: what every node of one chain must share, read from `genesis.json`. Changing any
 * field is a fork. Units are in the names.
 */
import { z } from 'zod'

const wholeNumber = (min: number, max: number): z.ZodNumber => z.number().int().min(min).max(max)

const amount: z.ZodType<bigint, string> = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,38})$/, 'must be a decimal whole number written as a string')
  .transform((text) => BigInt(text))

/** Shape and bounds of the `params` object of `genesis.json`; unknown fields are refused. */
export const chainParamsSchema = z.strictObject({
  /** Blocks of an epoch; sets, slots and emission change at its first block. */
  epochLength: wholeNumber(4, 65_536),
  /** Ethereum timestamps are whole seconds and must grow, so this is at least 1,000. */
  minBlockIntervalMs: wholeNumber(1_000, 60_000),
  /** An idle chain makes an empty block this often. */
  idleBlockIntervalMs: wholeNumber(1_000, 600_000),
  /** First-round wait for a proposal, counted from the moment it may be made. */
  proposeTimeoutMs: wholeNumber(50, 60_000),
  prevoteTimeoutMs: wholeNumber(50, 60_000),
  precommitTimeoutMs: wholeNumber(50, 60_000),
  /** Added to every timeout per round, so that delays eventually outgrow the network's. */
  timeoutGrowthMs: wholeNumber(1, 60_000),
  maxTimeoutMs: wholeNumber(1_000, 600_000),
  /** Proposer-based timestamps: bound on the clocks' disagreement. */
  clockPrecisionMs: wholeNumber(0, 10_000),
  /** Proposer-based timestamps: bound on a proposal's travel time in round 0. */
  proposalDelayMs: wholeNumber(100, 60_000),
  blockGasLimit: wholeNumber(5_000_000, 1_000_000_000),
  /** The builder stops packing after this much execution. */
  executionBudgetMs: wholeNumber(10, 10_000),
  /** A voter aborts execution and prevotes nil after this. */
  executionLimitMs: wholeNumber(100, 60_000),
  maxBlockBytes: wholeNumber(65_536, 8_388_608),
  /** Sum of the sidecars of one block. */
  maxSidecarBytes: wholeNumber(65_536, 33_554_432),
  /** Estimated verification time of the certificates of one block. */
  maxVerifyMs: wholeNumber(10, 60_000),
  /** A builder includes only certificates announced at least this long ago. */
  certificateAgeMs: wholeNumber(0, 60_000),
  /** Least price of a multiply-accumulate, wei. */
  basePrice: amount,
  /** Paid for each certificate on top of its MACs, wei. */
  certificateFee: amount,
  /** Never refunded, wei. */
  openFee: amount,
  /** Nominal speed of a worker; sizes a lease's time. */
  macsPerBlock: amount,
  /** Nominal speed of a prover, in committed field elements; adds to the time of a proven lease. */
  elementsPerBlock: amount.default(1_048_576n),
  /** Largest `k · stepMacs` of a replay lease; 0 switches replay off. */
  replayMacsCap: amount,
  maxActiveJobs: wholeNumber(1, 256),
  /** Blocks in which a drawn holder may decline for free. */
  declineBlocks: wholeNumber(0, 64),
  /** Reputation moves by 2^-shift per epoch. */
  reputationShift: wholeNumber(1, 31),
  /** Gwei. */
  minStake: amount,
  /** Epochs between unbonding and withdrawal. */
  unbondingEpochs: wholeNumber(1, 65_536),
  /** Blocks between two draws of a holder that must show what it keeps. */
  challengeInterval: wholeNumber(1, 65_536).default(8),
  /** Blocks in which it may answer. */
  challengeBlocks: wholeNumber(4, 4_096).default(32),
  /** Holders of each dataset and of each model's weights. */
  replicas: wholeNumber(1, 100).default(3),
  /** Epochs for which the weights of a finished job are kept. */
  keepEpochs: wholeNumber(1, 65_536).default(64),
})

/** Rules every node of one chain must share. */
export type ChainParams = Readonly<z.infer<typeof chainParamsSchema>>
