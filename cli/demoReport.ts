/**
 * What the demo shows at its end, and whether all of it is as it should be.
 */

import { moduleAddresses, one } from '../params/protocol.ts'
import type { Address } from '../primitives/address.ts'
import { weiPerGwei } from '../primitives/brand.ts'
import { ProofKind } from '../registry/job.ts'
import { stakingAbi } from '../vm/modules/stakingAbi.ts'
import { curve } from './curve.ts'
import { median, proofText } from './demoProofs.ts'
import { coinsText } from './format.ts'
import { type Io, paint } from './io.ts'
import { explain, type Node } from './rpc.ts'
import { fields, table } from './table.ts'

export type DemoValidator = {
  readonly address: Address
  /** Wei. */
  readonly stake: string
  /** In [0, 1]. */
  readonly reputation: number
  readonly certificates: number
  readonly proposed: number
  /** Wei. */
  readonly earned: string
}

/** The final line of `--json`. */
export type DemoResult = {
  readonly height: number
  readonly headHash: string
  readonly stateRoot: string
  /** On the held-out rows, in [0, 1]. */
  readonly accuracy: number
  readonly steps: number
  readonly certificates: number
  readonly proofKinds: readonly string[]
  /** The least of all proofs, proven bits. */
  readonly soundnessBits: number
  /** Of each certificate: bytes of its proof, milliseconds to make it, and to judge it on the slowest node. */
  readonly proofBytes: readonly number[]
  readonly proveMs: readonly (number | null)[]
  readonly verifyMs: readonly (number | null)[]
  readonly leasesExpired: number
  readonly validators: readonly DemoValidator[]
  readonly supplyOk: boolean
  readonly agree: boolean
  readonly seconds: number
  /** Loss per row of each step. */
  readonly losses: readonly number[]
  /** 99th percentile of each node's answers while training. */
  readonly rpcP99Ms: readonly number[]
}

type ServiceWire = Readonly<
  Record<'reputation' | 'certificates' | 'proposed' | 'earnedWei', string>
>

/** What a node says of every registered validator. */
export async function validatorRows(node: Node): Promise<readonly DemoValidator[]> {
  const call = { address: moduleAddresses.staking, abi: stakingAbi } as const
  const addresses = await explain(node.url, () =>
    node.client.readContract({ ...call, functionName: 'validators' }),
  )
  return Promise.all(
    addresses.map(async (text) => {
      const address = text.toLowerCase() as Address
      const { stake } = await explain(node.url, () =>
        node.client.readContract({ ...call, functionName: 'validator', args: [text] }),
      )
      const service = await node.call<ServiceWire>('rep_getService', address)
      return {
        address,
        stake: (stake * weiPerGwei).toString(),
        reputation: Number(BigInt(service.reputation)) / Number(one),
        certificates: Number(BigInt(service.certificates)),
        proposed: Number(BigInt(service.proposed)),
        earned: BigInt(service.earnedWei).toString(),
      }
    }),
  )
}

/** Accuracy that two epochs of MNIST must reach. */
const leastAccuracy = 0.95

/** What is wrong with a result, or null. @param mnist - whether the model is MNIST's whole one. */
export function judgeDemo(
  result: DemoResult,
  mnist: boolean,
): { readonly why: string; readonly next: string } | null {
  const next = 'run it again with --json and report the line: it is a bug'
  const working = result.validators.filter(
    ({ certificates, proposed }) => certificates > 0 && proposed > 0,
  ).length
  const checks: readonly (readonly [boolean, string])[] = [
    [result.agree, 'the validators do not agree on the head'],
    [
      result.proofKinds.join() === ProofKind.StepProof,
      `certificates are ${result.proofKinds}, not step proofs`,
    ],
    [result.supplyOk, 'the supply does not add up'],
    [!mnist || result.accuracy >= leastAccuracy, `accuracy is ${result.accuracy}, below 0.95`],
    [
      working >= (mnist ? 3 : Math.min(2, result.certificates)),
      `only ${working} validators worked`,
    ],
    [!mnist || result.leasesExpired > 0, 'no lease expired'],
  ]
  const broken = checks.find(([good]) => !good)
  return broken === undefined ? null : { why: broken[1], next }
}

function proofsText({ proofBytes, proveMs, verifyMs, soundnessBits }: DemoResult): string {
  const bytes = median(proofBytes)
  if (bytes === null) return 'none kept'
  const figures = { bytes, proveMs: median(proveMs), verifyMs: median(verifyMs) }
  return `${proofText({ kind: '', soundnessBits, ...figures })} (medians), ${soundnessBits} bits of soundness`
}

/** The result for people. */
export function demoText(io: Io, result: DemoResult): string {
  const yes = (good: boolean, text: string) => paint(io, good ? 'green' : 'red', text)
  const width = Math.max(20, Math.min(100, io.columns === Infinity ? 80 : io.columns - 12))
  const rows = result.validators.map((validator) => [
    validator.address,
    coinsText(BigInt(validator.stake)),
    validator.reputation.toFixed(4),
    String(validator.certificates),
    String(validator.proposed),
    coinsText(BigInt(validator.earned)),
  ])
  const headers = ['validator', 'stake', 'reputation', 'certificates', 'proposed', 'earned']
  return [
    '\nloss of each step, per row\n',
    curve(result.losses, width, 8),
    '\n',
    table(io, headers, rows),
    '\n',
    fields(io, [
      ['accuracy', `${(100 * result.accuracy).toFixed(2)} % on rows never trained on`],
      [
        'work',
        `${result.steps} steps in ${result.certificates} certificates (${result.proofKinds})`,
      ],
      ['proofs', proofsText(result)],
      ['expired', `${result.leasesExpired} leases, taken over by others`],
      ['head', `block ${result.height}, ${result.headHash}`],
      ['state', result.stateRoot],
      ['agreement', yes(result.agree, result.agree ? 'all validators agree' : 'THEY DIFFER')],
      ['supply', yes(result.supplyOk, result.supplyOk ? 'adds up to the wei' : 'DOES NOT ADD UP')],
      ['RPC p99', `${Math.max(...result.rpcP99Ms)} ms on the slowest node while training`],
      ['time', `${result.seconds} s`],
    ]),
  ].join('')
}
