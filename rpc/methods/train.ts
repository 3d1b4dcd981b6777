/**
 * `train_` methods: jobs, step ranges, leases, certificates and weights.
 */
import { z } from 'zod'
import { ok, refuse } from '../../primitives/result.ts'
import { type Methods, method } from '../method.ts'
import type { RpcModules } from '../modules.ts'
import { addressSchema, countSchema, hashSchema } from '../schemas.ts'
import { quantity, toWire } from '../wire.ts'
import { jobStatuses, type Window } from '../workViews.ts'

/** Items of one page. */
export const maxPage = 100

/** Where a page starts and how long it is; `next` of the answer is the next `cursor`. */
export const windowSchema = z
  .strictObject({
    cursor: countSchema(2 ** 48).nullish(),
    limit: countSchema(maxPage).nullish(),
  })
  .nullish()
  .transform((page): Window => ({ cursor: page?.cursor ?? 0, limit: page?.limit ?? maxPage }))

const jobFilterSchema = z
  .strictObject({ status: z.enum(jobStatuses).nullish(), owner: addressSchema.nullish() })
  .nullish()
  .transform((filter) => ({ status: filter?.status ?? null, owner: filter?.owner ?? null }))

const leaseFilterSchema = z
  .strictObject({ job: hashSchema.nullish(), holder: addressSchema.nullish() })
  .nullish()
  .transform((filter) => ({ job: filter?.job ?? null, holder: filter?.holder ?? null }))

const count = countSchema(2 ** 32)

export function trainMethods({ train, chain }: Pick<RpcModules, 'train' | 'chain'>): Methods {
  const ofJob = { job: hashSchema, page: windowSchema }

  return {
    train_getJob: method({ job: hashSchema }, async ({ job }) => ok(toWire(await train.job(job)))),
    train_listJobs: method({ filter: jobFilterSchema, page: windowSchema }, async (list) =>
      ok(toWire(await train.jobs(list.filter, list.page))),
    ),
    train_listSteps: method(ofJob, async ({ job, page }) => {
      const ranges = await train.ranges(job, page)
      return ranges === null ? refuse({ code: 'rpc/notFound', what: 'job' }) : ok(toWire(ranges))
    }),
    train_listLeases: method({ filter: leaseFilterSchema, page: windowSchema }, async (list) =>
      ok(toWire(await train.leases(list.filter, list.page))),
    ),
    train_getCertificate: method({ job: hashSchema, range: count }, async ({ job, range }) =>
      ok(toWire(await train.certificate(job, range))),
    ),
    train_listCertificates: method(ofJob, async ({ job, page }) => {
      const list = await train.certificates(job, page)
      return list === null ? refuse({ code: 'rpc/notFound', what: 'job' }) : ok(toWire(list))
    }),
    train_getWeights: method({ job: hashSchema, step: count.nullish() }, async ({ job, step }) =>
      ok(toWire(await train.weights(job, step ?? null))),
    ),
    train_price: method({}, async () =>
      ok({ basePrice: quantity(await train.basePrice()), blockNumber: quantity(chain.head()) }),
    ),
  }
}
