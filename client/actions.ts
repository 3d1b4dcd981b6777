/**
 * What a Waggle node can do beyond Ethereum's methods, as an extension of viem's clients:
 * `createWalletClient({...}).extend(waggleActions())`. Runs in Node and in browsers.
 */
import {
  type Account,
  type Chain,
  type Client,
  parseEventLogs,
  publicActions,
  type Hash as TransactionHash,
  type Transport,
  walletActions,
} from 'viem'
import type { ModelState } from '../compute/modelState.ts'
import { moduleAddresses } from '../params/protocol.ts'
import { type Hash, zeroHash } from '../primitives/hash.ts'
import { describeFault } from '../primitives/result.ts'
import { openPortableVerifier } from '../proof/portable.ts'
import type { Job } from '../registry/job.ts'
import { jobsAbi } from '../vm/modules/jobsAbi.ts'
import { registryAbi } from '../vm/modules/registry.ts'
import { type Ask, httpSource, type Source } from './ask.ts'
import type { Verdict } from './checks.ts'
import { fetchWeights } from './commitment.ts'
import type { Anchor } from './follow.ts'
import { abiSpec, type JobSpec, jobOfWire } from './jobWire.ts'
import { type JobOrder, specOf } from './order.ts'
import { signTicket } from './ticket.ts'
import { verifyBlock } from './verifyBlock.ts'
import { type CertificateOptions, verifyCertificate } from './verifyCertificate.ts'
import { type WatchOptions, watchJob } from './watch.ts'
import type {
  CheckpointWire,
  JobWire,
  LineageWire,
  NetworkWire,
  PageWire,
  ValidatorSetWire,
  WeightsWire,
} from './wire.ts'

export type WaggleOptions = {
  /** Where the node serves blobs over HTTP. @default the address of an HTTP transport */
  readonly url?: string | undefined
  /**
   * Hash of the validators of epoch 0, for verification. Without it the node's own word is taken, which
   * makes the rest of a verification worth less.
   */
  readonly validators?: Hash | undefined
  /** Bytes of `dist/wasm/proof.wasm`; verification is several times faster with them. */
  readonly wasm?: Uint8Array<ArrayBuffer> | null | undefined
}

export type OpenedJob = {
  readonly job: Hash
  readonly spec: JobSpec
  readonly transaction: TransactionHash
  /** Wei held for the work, and wei that never come back. */
  readonly escrow: bigint
  readonly openFee: bigint
}

export type PulledModel = {
  readonly job: Job
  readonly state: ModelState
  readonly stepsDone: number
  /** What certificates name these weights by; checked against the bytes. */
  readonly commitment: Hash
}

type Follow = Pick<CertificateOptions, 'onCheck'>

export type WaggleActions = {
  readonly getNetwork: () => Promise<NetworkWire>
  readonly getJob: (job: Hash) => Promise<JobWire | null>
  /** Loss and, as the node measured it, accuracy by checkpoint. @throws if there is no such job. */
  readonly getCourse: (job: Hash) => Promise<readonly CheckpointWire[]>
  /** Newest last; `cursor` is where to go on. */
  readonly listJobs: (page?: {
    readonly cursor?: number
    readonly limit?: number
  }) => Promise<PageWire<JobWire>>
  /** Pay for training. The client needs an account. @throws what the chain refuses, in its own words. */
  readonly openJob: (order: JobOrder) => Promise<OpenedJob>
  /** Follow a job until it ends or `signal` aborts; resolves with its last state. */
  readonly watchJob: (job: Hash, options?: WatchOptions) => Promise<JobWire>
  /** Weights after `range`, or the newest. @throws {Error} if the node's bytes are not the certified. */
  readonly pullModel: (job: Hash, range?: number) => Promise<PulledModel>
  /** Pay the price of a copy to its owner; then `pullModel` gets it. @throws if it is not for sale. */
  readonly buyModel: (job: Hash) => Promise<TransactionHash>
  /** Ancestors, terms and royalties of a job's model; null if there is no such job. */
  readonly getLineage: (job: Hash) => Promise<LineageWire | null>
  readonly verifyCertificate: (job: Hash, range: number, follow?: Follow) => Promise<Verdict>
  readonly verifyBlock: (height: bigint, follow?: Follow) => Promise<Verdict>
}

export function waggleActions(options: WaggleOptions = {}) {
  return (client: Client<Transport, Chain | undefined, Account | undefined>): WaggleActions => {
    const ask: Ask = (method, ...params) => client.request({ method, params } as never)
    const url = options.url ?? httpUrlOf(client.transport)
    const source: Source = { ask, blob: httpSource(url, ticketOf).blob }
    const { wasm = null } = options

    /** Only an account whose key is here signs unasked. */
    async function ticketOf(blob: Hash): Promise<string | null> {
      const { account } = client
      if (account?.type !== 'local') return null
      const { chainId } = await ask<NetworkWire>('waggle_getNetwork')
      return signTicket(account, Number(chainId), blob, Math.floor(Date.now() / 1_000))
    }

    async function buyModel(model: Hash): Promise<TransactionHash> {
      const { account } = client
      if (account === undefined) throw new Error('buyModel needs a client with an account')
      const lineage = await ask<LineageWire | null>('data_getLineage', model)
      if (lineage === null) throw new Error(`there is no job ${model}`)
      const reader = client.extend(publicActions)
      const call = {
        address: moduleAddresses.registry,
        abi: registryAbi,
        functionName: 'buy',
        args: [model],
        value: BigInt(lineage.terms.price),
        account,
        chain: client.chain ?? null,
      } as const
      await reader.simulateContract(call as never)
      const transaction = await client.extend(walletActions).writeContract(call as never)
      const { status } = await reader.waitForTransactionReceipt({ hash: transaction })
      if (status !== 'success') throw new Error(`transaction ${transaction} reverted`)
      return transaction
    }

    async function anchor(): Promise<Anchor> {
      const network = await ask<NetworkWire>('waggle_getNetwork')
      const told = async () => (await ask<ValidatorSetWire>('val_getSet', '0x0')).hash
      return {
        chainId: Number(network.chainId),
        epochLength: Number(network.params.epochLength),
        validators: options.validators ?? (await told()),
      }
    }

    async function openJob(order: JobOrder): Promise<OpenedJob> {
      const { account } = client
      if (account === undefined) throw new Error('openJob needs a client with an account')
      const spec = await specOf(source, order)
      const reader = client.extend(publicActions)
      const args = [spec.base ?? zeroHash, abiSpec(spec)] as const
      const call = { address: moduleAddresses.jobs, abi: jobsAbi, args } as const
      const [escrow, openFee] = await reader.readContract({
        ...call,
        functionName: 'quoteFrom',
        account,
      })
      const paid = { ...call, functionName: 'openFrom', account, value: escrow + openFee } as const
      await reader.simulateContract(paid as never)
      const chain = client.chain ?? null
      const transaction = await client
        .extend(walletActions)
        .writeContract({ ...paid, chain } as never)
      const receipt = await reader.waitForTransactionReceipt({ hash: transaction })
      const [opened] = parseEventLogs({ abi: jobsAbi, eventName: 'JobOpened', logs: receipt.logs })
      if (opened === undefined) throw new Error(`transaction ${transaction} reverted`)
      return { job: opened.args.jobId as Hash, spec, transaction, escrow, openFee }
    }

    async function pullModel(id: Hash, range?: number): Promise<PulledModel> {
      const wire = await ask<JobWire | null>('train_getJob', id)
      const weights = await ask<WeightsWire | null>('train_getWeights', id, range ?? null)
      if (wire === null || weights === null) throw new Error(`job ${id} has no such weights`)
      const job = jobOfWire(wire)
      const { blob, commitment, stepsDone } = weights
      const verifier = openPortableVerifier(wasm)
      const state = await fetchWeights(verifier, source, job, blob, commitment)
      if (!state.ok) throw new Error(describeFault(state.fault))
      return { job, state: state.value, stepsDone: Number(stepsDone), commitment }
    }

    return {
      getNetwork: () => ask('waggle_getNetwork'),
      getJob: (job) => ask('train_getJob', job),
      getCourse: (job) => ask('train_getCourse', job),
      listJobs: (page = {}) => ask('train_listJobs', null, page),
      openJob,
      watchJob: (job, watch = {}) => watchJob(client, ask, job, watch),
      pullModel,
      buyModel,
      getLineage: (job) => ask('data_getLineage', job),
      verifyCertificate: async (job, range, follow = {}) =>
        verifyCertificate(job, range, { source, anchor: await anchor(), wasm, ...follow }),
      verifyBlock: async (height, follow = {}) =>
        verifyBlock(height, { source, anchor: await anchor(), ...follow }),
    }
  }
}

function httpUrlOf(transport: object): string {
  const { url } = transport as { readonly url?: string }
  if (url === undefined) throw new Error('waggleActions needs the url of the node')
  return url.replace(/^ws/, 'http')
}
