/**
 * Cost of step proofs: time to prove and to verify, and bytes, by shape and number of steps in a lease.
 *
 * Cases `MODEL/bBATCH`, one step; `lease-K/MODEL/bBATCH`, K steps in one certificate; `growth/2^N`, models
 * whose step commits to about as many cells; `…/reference`, in plain TypeScript; `peer/…`, others on a
 * product that the name tells. Deep models are calibrated; fewer than 95 % of the errors
 * of every layer are zero, or the case fails. Times are medians, with a thread on each core: of five proofs
 * after the first, of three where a lease has more than 2·10^9 MACs; where the first took more than a
 * minute, it is the only one. `prove_first_s` is the first proof of a process, which has its memory yet to
 * get; `prove_cpu_s` its processor time, on all threads. `verify_first_ms` is the first verification,
 * before its code is compiled. `prove_s` does not include training (`train_s`, with every intermediate
 * value kept);
 * `macs` are those of the lease; `peak_mb` is the most memory of the case's own process; `rows_bytes` are
 * not part of the proof.
 *
 * With `--quick`: the small model at batch 64 alone, and no peers. With `--backend webgpu` commitments are
 * made on a GPU, cases end in `/webgpu` and there are no peers; without a card, on SwiftShader, the small
 * model's first case alone.
 */
import { spawn } from 'node:child_process'
import { execPath, stderr } from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { hasCard } from '../compute/selfTest.ts'
import type { Benchmark, Row } from './main.ts'
import { gpuCases, type ProofCase, proofCases } from './proofJobs.ts'
import { ezklPeer, groth16Peer } from './proofPeers.ts'

/** A case that takes longer is given up. */
const boundS = 3600

export const benchmark: Benchmark = {
  summary: 'time and bytes of step proofs; --quick for the small model alone',
  async run(report, wanted, quick, backend) {
    const isGpu = backend === 'webgpu'
    const cases = isGpu ? gpuCases(await hasCard(), quick) : proofCases(quick)
    for (const given of cases) if (wanted(given.name)) await runCase(given, report)
    if (quick || isGpu) return
    await groth16Peer(report, wanted)
    await ezklPeer(wanted)
  },
}

/** In a process of its own, so that its memory is its own. What does not finish says so. */
async function runCase(given: ProofCase, report: (row: Row) => void): Promise<void> {
  const script = fileURLToPath(new URL('./proofCase.ts', import.meta.url))
  const flags = ['--max-old-space-size=16384', script, JSON.stringify(given)]
  const child = spawn(execPath, flags, { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  let said = ''
  child.stderr.on('data', (bytes: Uint8Array) => {
    const text = new TextDecoder().decode(bytes)
    said = (said + text).slice(-4000)
    stderr.write(text)
  })
  let late = false
  const timer = setTimeout(() => {
    late = true
    child.kill('SIGKILL')
  }, boundS * 1e3)
  for await (const line of createInterface({ input: child.stdout })) report(JSON.parse(line))
  const code = await ended
  clearTimeout(timer)
  if (late) stderr.write(`${given.name}: not measured: more than ${boundS} s\n`)
  else if (code !== 0) stderr.write(`${given.name}: not measured: ${reasonIn(said)}\n`)
}

/** The line of a stack trace that says what was wrong. */
function reasonIn(trace: string): string {
  const line = trace.split('\n').find((text) => /Error|Bug|FATAL/.test(text))
  return line?.trim() ?? 'the process died'
}
