/**
 * Verification away from the page, which stays smooth meanwhile.
 */
import { httpSource } from '../../../client/ask.ts'
import type { Check } from '../../../client/checks.ts'
import type { Anchor } from '../../../client/follow.ts'
import { verifyBlock } from '../../../client/verifyBlock.ts'
import { verifyCertificate } from '../../../client/verifyCertificate.ts'
import type { Hash } from '../../../primitives/hash.ts'
import { fetchKernels } from './kernels.ts'

export type Order = { readonly anchor: Anchor } & (
  | { readonly kind: 'block'; readonly height: number }
  | { readonly kind: 'certificate'; readonly job: Hash; readonly range: number }
)

export type Report =
  | { readonly type: 'check'; readonly check: Check }
  | { readonly type: 'verdict'; readonly ok: boolean }
  /** Neither right nor wrong: the verification itself broke off. */
  | { readonly type: 'broken'; readonly why: string }

const tell = (report: Report) => postMessage(report)
const options = {
  source: httpSource(new URL('/', location.origin).href),
  onCheck: (check: Check) => tell({ type: 'check', check }),
}

async function carryOut(order: Order): Promise<boolean> {
  const { anchor } = order
  if (order.kind === 'block')
    return (await verifyBlock(BigInt(order.height), { ...options, anchor })).ok
  const { job, range } = order
  return (await verifyCertificate(job, range, { ...options, anchor, wasm: await fetchKernels() }))
    .ok
}

addEventListener('message', ({ data }: MessageEvent<Order>) => {
  carryOut(data).then(
    (ok) => tell({ type: 'verdict', ok }),
    (error: unknown) =>
      tell({ type: 'broken', why: error instanceof Error ? error.message : String(error) }),
  )
})
