/**
 * The node as commands see it: JSON-RPC through viem, its own methods included, and errors that say
 * what to do.
 */

import type { Command } from 'commander'
import {
  BaseError,
  type Chain,
  ContractFunctionRevertedError,
  createPublicClient,
  createWalletClient,
  defineChain,
  HttpRequestError,
  http,
  type LocalAccount,
  type PublicClient,
  RpcRequestError,
  TimeoutError,
  type Transport,
  type WalletClient,
} from 'viem'
import { httpUrl } from './arguments.ts'
import { ExitCode, Failure } from './failure.ts'

const defaultRpc = 'http://127.0.0.1:8545'

export type RpcFlags = { readonly rpc: string; readonly json?: true }

export type Node = {
  readonly url: string
  readonly client: PublicClient<Transport, Chain>
  /** Call any method; integers in the answer are quantities. */
  readonly call: <T>(method: string, ...params: readonly unknown[]) => Promise<T>
  readonly wallet: (account: LocalAccount) => WalletClient<Transport, Chain, LocalAccount>
}

/** `--rpc` and `--json`, which every command that asks a node has. */
export function addRpcOptions(command: Command): Command {
  return command
    .option('--rpc <url>', 'RPC address of a node', httpUrl, defaultRpc)
    .option('--json', 'print JSON lines; amounts are decimal strings')
}

/** Meet the node at `url`. @throws {Failure} if nobody answers there. */
export async function connect(url: string): Promise<Node> {
  const transport = http(url, { retryCount: 1, retryDelay: 200, timeout: 20_000 })
  const chainId = await explain(url, () => createPublicClient({ transport }).getChainId())
  const chain = defineChain({
    id: chainId,
    name: 'waggle',
    nativeCurrency: { name: 'coin', symbol: 'COIN', decimals: 18 },
    rpcUrls: { default: { http: [url] } },
  })
  const client = createPublicClient({ chain, transport, pollingInterval: 500, cacheTime: 0 })
  return {
    url,
    client,
    call: <T>(method: string, ...params: readonly unknown[]) =>
      explain(url, () => client.request({ method, params } as never) as Promise<T>),
    wallet: (account) => createWalletClient({ account, chain, transport }),
  }
}

/** Run `action`; an error of viem's becomes a failure that people understand. */
export async function explain<T>(url: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw error instanceof Failure ? error : failureOf(url, error)
  }
}

function failureOf(url: string, error: unknown): Failure {
  if (!(error instanceof BaseError))
    return new Failure(unreachable(url, error instanceof Error ? error.message : String(error)))
  const timeout = error.walk((cause) => cause instanceof TimeoutError)
  if (timeout !== null) return new Failure(unreachable(url, 'no answer in 20 s'), error)
  const request = error.walk((cause) => cause instanceof HttpRequestError)
  if (request instanceof HttpRequestError)
    return new Failure(unreachable(url, requestReason(request)), error)
  const revert = error.walk((cause) => cause instanceof ContractFunctionRevertedError)
  const why =
    revert instanceof ContractFunctionRevertedError ? revertReason(revert) : rpcReason(error)
  const next = 'change what the reason names and try again'
  return new Failure({ what: 'the node refused', why, next }, error)
}

function unreachable(url: string, why: string) {
  return {
    what: `cannot reach a node at ${url}`,
    why,
    next: 'start one with `waggle devnet`, or name another with --rpc URL',
    exitCode: ExitCode.Unavailable,
  } as const
}

function requestReason(error: HttpRequestError): string {
  if (error.status !== undefined) return `HTTP status ${error.status}`
  const cause = deepest(error) as Error & { readonly code?: string }
  return cause.code === 'ECONNREFUSED' ? 'connection refused' : (cause.code ?? cause.message)
}

function deepest(error: Error): Error {
  return error.cause instanceof Error ? deepest(error.cause) : error
}

/** `WrongEscrow(required = 5, got = 4)`. */
function revertReason(error: ContractFunctionRevertedError): string {
  const { data, reason } = error
  if (data === undefined || data.abiItem.type !== 'error') return reason ?? 'reverted'
  const args = data.args ?? []
  const named = data.abiItem.inputs.map(({ name }, i) => `${name} = ${String(args[i])}`)
  return `${data.errorName}(${named.join(', ')})`
}

function rpcReason(error: BaseError): string {
  const cause = error.walk((inner) => inner instanceof RpcRequestError)
  return cause instanceof RpcRequestError ? cause.details : error.shortMessage
}
