import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { afterEach } from 'vitest'
import { createHost, type Host } from '../../network/host.ts'
import type { HostModules, HostOptions } from '../../network/hostOptions.ts'
import type { PeerId } from '../../network/peer.ts'
import { hashOf } from '../../primitives/hash.ts'
import { describeFault, type Fault, type Result } from '../../primitives/result.ts'

/** A host on loopback, and all that it reported. */
export type TestHost = Host & {
  readonly reported: readonly Fault[]
  readonly note: (problem: unknown) => void
}

const running = new Set<Host>()

/** Stop, after each test of the file, the hosts that it made. */
export function stopHostsAfterEach(): void {
  afterEach(async () => {
    await Promise.all([...running].map((host) => host.stop()))
    running.clear()
  })
}

/** A host named `name`, not started. The same name has the same key. */
export async function makeHost(
  name: string,
  options: Partial<HostOptions> = {},
  modules: Partial<HostModules> = {},
): Promise<TestHost> {
  const reported: Fault[] = []
  const note = (problem: unknown) => void reported.push(problem as Fault)
  const host = await createHost(
    {
      seed: Uint8Array.from(createHash('sha256').update(name).digest()),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      bootstrap: [],
      protocolVersion: 1,
      chainId: 7,
      genesisHash: hashOf('test/genesis'),
      rulesHashAt: () => hashOf('test/rules'),
      validator: null,
      topics: {
        vote: { maxBytes: 1_024, urgent: true },
        bulk: { maxBytes: 8_388_608 },
      },
      ...options,
      limits: { redialMinMs: 50, redialMaxMs: 500, ...options.limits },
    },
    {
      height: () => 0n,
      report: note,
      ...modules,
    },
  )
  running.add(host)
  return { ...host, reported, note }
}

export async function startHost(
  name: string,
  options: Partial<HostOptions> = {},
  prepare: (host: TestHost) => void = () => {},
): Promise<TestHost> {
  const host = await makeHost(name, options)
  prepare(host)
  await host.start()
  return host
}

/** Wait for `condition`, with a deadline that a busy machine can keep. */
export async function until(what: string, condition: () => boolean, ms = 15_000): Promise<void> {
  const deadline = Date.now() + ms
  while (!condition()) {
    assert.ok(Date.now() < deadline, `${what}: not within ${ms} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export function isConnected(host: Host, peer: PeerId): boolean {
  return host.peers().some(({ id }) => id === peer)
}

export function whenConnected(a: Host, b: Host): Promise<void> {
  return until('connected', () => isConnected(a, b.peerId) && isConnected(b, a.peerId))
}

export function faultCodes(host: TestHost): readonly string[] {
  return host.reported.map(({ code }) => code)
}

export function value<T>(result: Result<T, Fault>): T {
  assert.ok(result.ok, result.ok ? '' : describeFault(result.fault))
  return result.value
}

export function faultOf(result: Result<unknown, Fault>): string {
  assert.ok(!result.ok)
  return result.fault.code
}

/** `size` bytes that differ from place to place. */
export function sample(size: number, salt = 1): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i++) bytes[i] = i * 31 + (i >> 20) * 7 + salt
  return bytes
}
