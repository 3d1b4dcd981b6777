/**
 * A development network of real processes on free ports, for tests. Everything is checked from outside,
 * over RPC.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, launchDevnet } from '../../cli/devnet.ts'
import type { DevnetChanges } from '../../cli/devnetGenesis.ts'
import type { DevnetNode } from '../../cli/devnetNode.ts'
import type { LinkOptions, Relay } from '../../cli/relay.ts'

export type DevnetPlan = {
  readonly validators: number
  /** Of them in genesis. @default all */
  readonly seated?: number | undefined
  /** What differs from the committed genesis. @default nothing */
  readonly genesis?: DevnetChanges | undefined
  /** Nodes reach each other through relays. @default directly */
  readonly link?: LinkOptions | undefined
  /** More flags of `waggle start` for node i. @default none */
  readonly flagsOf?: ((index: number) => readonly string[]) | undefined
  /** Program of node i. @default the command line */
  readonly programOf?: ((index: number) => string | undefined) | undefined
}

export type TestDevnet = {
  readonly nodes: readonly DevnetNode[]
  readonly relays: readonly Relay[]
  /** Stop every node and forget its folder. */
  readonly stop: () => Promise<void>
}

/** Start a network; resolves when every node has reached height 1. */
export async function startDevnet(plan: DevnetPlan): Promise<TestDevnet> {
  const dataDir = await mkdtemp(join(tmpdir(), 'waggle-test-'))
  const ports = await freePorts(2 * plan.validators)
  const net = await launchDevnet({
    ...plan,
    dataDir,
    rpcPorts: ports.slice(0, plan.validators),
    p2pPorts: ports.slice(plan.validators),
    flagsOf: plan.flagsOf,
  })
  const stop = async () => {
    await net.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
  try {
    for (const { rpcUrl } of net.nodes) await untilHeight(rpcUrl, 1n)
    return { nodes: net.nodes, relays: net.relays, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** One JSON-RPC call; throws what the node refuses. */
export async function rpcCall<T>(
  url: string,
  method: string,
  ...params: readonly unknown[]
): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const { result, error } = (await response.json()) as {
    readonly result: T
    readonly error?: { readonly message: string }
  }
  if (error !== undefined) throw new Error(`${method}: ${error.message}`)
  return result
}

export async function heightOf(url: string): Promise<bigint> {
  return BigInt(await rpcCall<string>(url, 'eth_blockNumber'))
}

/** Resolves once the node at `url` has reached `height`. */
export async function untilHeight(url: string, height: bigint, timeoutMs = 60_000): Promise<void> {
  await until(`${url} at height ${height}`, timeoutMs, async () => (await heightOf(url)) >= height)
}

/** Resolves once `check` holds, looking five times a second. */
export async function until(
  what: string,
  timeoutMs: number,
  check: () => Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`)
    await new Promise((resolve) => {
      setTimeout(resolve, 200)
    })
  }
}
