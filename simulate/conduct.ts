/**
 * How a validator behaves. An honest one does its duty; an adversary changes some of it.
 */
import type { Lease } from '../registry/schedule.ts'
import { ordinaryParams } from './setting.ts'
import type { Simulation } from './simulation.ts'

/** A lease as its holder sees it. */
export type Duty = {
  readonly lease: Lease
  readonly pricePerMac: bigint
  readonly macs: bigint
  /** Whether it is a job's evaluation. */
  readonly evaluates: boolean
}

/** What a holder does with a lease. */
export const Delivery = {
  /** Trains, proves, publishes the weights. */
  Full: 'full',
  /** Trains and proves, keeps the weights to itself. */
  Hidden: 'hidden',
  /** Hands in the proof of something else: somebody's, or on other rows. */
  Copied: 'copied',
  /** Lets the lease pass. */
  None: 'none',
  /** Steps back while that is free. */
  Decline: 'decline',
} as const
export type Delivery = (typeof Delivery)[keyof typeof Delivery]

export type Conduct = {
  readonly deliver: (duty: Duty) => Delivery
  /** Least price per MAC it works for, as a percentage of its own cost. */
  readonly askPercent: bigint
  readonly maxParams: bigint
  /** Whether it proposes in its slot, where `sim` shows what it knows. */
  readonly proposes: (sim: Simulation, height: bigint) => boolean | Promise<boolean>
  /** Whether, as proposer, it takes in another's certificate. */
  readonly includes: (worker: string) => boolean
  /** Whether it vouches for another's weights: after fetching them, blindly, or not at all. */
  readonly vouches: (worker: string) => 'fetched' | 'blindly' | 'no'
  /** Whether it has what it must keep, when it is asked for a part of it. */
  readonly keeps: boolean
}

export const honest: Conduct = {
  deliver: () => Delivery.Full,
  askPercent: 100n,
  maxParams: ordinaryParams,
  proposes: () => true,
  includes: () => true,
  vouches: () => 'fetched',
  keeps: true,
}
