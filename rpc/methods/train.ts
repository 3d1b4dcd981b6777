/**
 * `train_` methods: jobs, step ranges, leases, certificates and weights.
 */
import { z } from 'zod'
import { maxInnerDim } from '../../params/protocol.ts'
import { toHex } from '../../primitives/bytes.ts'
import { ok, refuse } from '../../primitives/result.ts'
import { maxLayers, ProofKind } from '../../registry/job.ts'
import { JobStatus } from '../../registry/jobRecord.ts'
import { type Methods, method } from '../method.ts'
import type { RpcModules } from '../modules.ts'
import { addressSchema, countSchema, hashSchema, quantitySchema } from '../schemas.ts'
import { toWire } from '../wire.ts'
import type { Window } from '../workViews.ts'

/** Items of one page. */
const defaultPage = 25
const maxPage = 100

/** Where a page starts and how long it is; `next` of the answer is the next `cursor`. */
export const windowSchema = z
  .strictObject({
    cursor: countSchema(2 ** 48).nullish(),
    limit: countSchema(maxPage).nullish(),
  })
  .nullish()
  .transform((page): Window => ({ cursor: page?.cursor ?? 0, limit: page?.limit ?? defaultPage }))

const jobFilterSchema = z
  .strictObject({
    status: z.enum(Object.values(JobStatus)).nullish(),
    owner: addressSchema.nullish(),
  })
  .nullish()
  .transform((filter) => ({ status: filter?.status ?? null, owner: filter?.owner ?? null }))

const leaseFilterSchema = z
  .strictObject({ job: hashSchema.nullish(), holder: addressSchema.nullish() })
  .nullish()
  .transform((filter) => ({ job: filter?.job ?? null, holder: filter?.holder ?? null }))

const draftSchema = z
  .strictObject({
    layers: z
      .array(countSchema(maxInnerDim))
      .min(2)
      .max(maxLayers + 1),
    batch: countSchema(maxInnerDim),
    steps: countSchema(2 ** 31),
    leaseSteps: countSchema(64),
    proofKind: z.enum(Object.values(ProofKind)),
    pricePerMac: quantitySchema.nullish(),
    owner: addressSchema.nullish(),
    dataset: hashSchema.nullish(),
    base: hashSchema.nullish(),
    heldOut: z
      .strictObject({ dataset: hashSchema.nullish(), rows: countSchema(2 ** 32 - 1) })
      .nullish(),
  })
  .refine(
    ({ layers, batch, steps, leaseSteps }) =>
      [...layers, batch, steps, leaseSteps].every((count) => count > 0),
    'sizes must be above 0',
  )
  .transform(({ pricePerMac, owner, dataset, base, heldOut, ...draft }) => ({
    ...draft,
    pricePerMac: pricePerMac ?? null,
    owner: owner ?? null,
    dataset: dataset ?? null,
    base: base ?? null,
    heldOut: heldOut ? { dataset: heldOut.dataset ?? null, rows: heldOut.rows } : null,
  }))

const range = countSchema(2 ** 32 - 1)
const ofJob = { job: hashSchema, page: windowSchema }
const noJob = { code: 'rpc/notFound', what: 'job' } as const

export function trainMethods({ train }: Pick<RpcModules, 'train'>): Methods {
  return {
    train_price: method({}, async () => ok(toWire(await train.price()))),
    train_estimate: method({ draft: draftSchema }, async ({ draft }) =>
      ok(toWire(await train.estimate(draft))),
    ),
    train_getJob: method({ job: hashSchema }, async ({ job }) => ok(toWire(await train.job(job)))),
    train_listJobs: method({ filter: jobFilterSchema, page: windowSchema }, async (list) =>
      ok(toWire(await train.jobs(list.filter, list.page))),
    ),
    train_listSteps: method(ofJob, async ({ job, page }) => {
      const list = await train.ranges(job, page)
      return list === null ? refuse(noJob) : ok(toWire(list))
    }),
    train_listLeases: method({ filter: leaseFilterSchema }, async ({ filter }) =>
      ok(toWire(await train.leases(filter))),
    ),
    train_getCertificate: method({ job: hashSchema, range }, async (of) =>
      ok(toWire(await train.certificate(of.job, of.range))),
    ),
    train_getProof: method({ job: hashSchema, range }, async (of) => {
      const found = await train.sidecar(of.job, of.range)
      if (found === null) return ok(null)
      const { bytes, ...known } = found
      return ok(toWire({ ...known, size: bytes.length }))
    }),
    train_getSidecar: method({ job: hashSchema, range }, async (of) => {
      const found = await train.sidecar(of.job, of.range)
      return ok(found === null ? null : toHex(found.bytes))
    }),
    train_listCertificates: method(ofJob, async ({ job, page }) => {
      const list = await train.certificates(job, page)
      return list === null ? refuse(noJob) : ok(toWire(list))
    }),
    train_getCourse: method({ job: hashSchema }, async ({ job }) => {
      const course = await train.course(job)
      return course === null ? refuse(noJob) : ok(toWire(course))
    }),
    train_getWeights: method({ job: hashSchema, range: range.nullish() }, async (of) =>
      ok(toWire(await train.weights(of.job, of.range ?? null))),
    ),
  }
}
