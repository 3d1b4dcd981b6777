/**
 * "Verify here": every check made in this browser, one after the other.
 */
import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Check, CheckName } from '../../../client/checks.ts'
import { type Hash, parseHash } from '../../../primitives/hash.ts'
import { num, shortHex } from '../format.ts'
import { network } from '../net/live.ts'
import { useStore } from '../net/store.ts'
import { Icon } from '../ui/icons.tsx'
import { Card } from '../ui/parts.tsx'
import { type AnchorState, pin, useAnchor } from './anchor.ts'
import type { Order, Report } from './worker.ts'

/** What is verified, without what it rests on. */
type Task =
  | { readonly kind: 'block'; readonly height: number }
  | { readonly kind: 'certificate'; readonly job: Hash; readonly range: number }

const names: Readonly<Record<CheckName, string>> = {
  signatures: 'Validators signed the block',
  header: 'The header is the signed one',
  transactions: 'The transactions are under its root',
  receipt: 'The receipts are under its root',
  state: 'What was to be trained is proven state',
  rows: 'The rows are the dataset’s',
  weights: 'The weights are the committed ones',
  work: 'The training was done as claimed',
}

const checksOf: Readonly<Record<Task['kind'], readonly CheckName[]>> = {
  block: ['signatures', 'header', 'transactions', 'receipt'],
  certificate: ['signatures', 'receipt', 'state', 'rows', 'work', 'weights'],
}

export function VerifyBlock({ height }: { readonly height: number }): VNode {
  return height === 0 ? (
    <Card title="Verify here">
      <p class="soft">Genesis is what everybody starts from; nobody signs it.</p>
    </Card>
  ) : (
    <VerifyCard key={height} task={{ kind: 'block', height }} />
  )
}

export function VerifyCertificate({
  job,
  range,
}: {
  readonly job: Hash
  readonly range: number
}): VNode {
  return <VerifyCard key={`${job} ${range}`} task={{ kind: 'certificate', job, range }} />
}

type Progress = {
  readonly checks: ReadonlyMap<CheckName, Check>
  readonly outcome: 'idle' | 'running' | 'true' | 'false' | 'broken'
  readonly why: string
}

const idle: Progress = { checks: new Map(), outcome: 'idle', why: '' }

function VerifyCard({ task }: { readonly task: Task }): VNode {
  const known = useStore(network)
  const anchor = useAnchor()
  const [progress, setProgress] = useState(idle)
  const worker = useRef<Worker | null>(null)
  useEffect(() => () => worker.current?.terminate(), [])

  const start = () => {
    if (known === null || anchor.pinned === null) return
    setProgress({ ...idle, outcome: 'running' })
    worker.current?.terminate()
    const made = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
    worker.current = made
    made.onmessage = ({ data }: MessageEvent<Report>) => setProgress((old) => after(old, data))
    made.onerror = () => setProgress((old) => ({ ...old, outcome: 'broken', why: 'it crashed' }))
    const rest = {
      chainId: num(known.chainId),
      epochLength: num(known.params.epochLength),
      validators: anchor.pinned,
    }
    made.postMessage({ ...task, anchor: rest } satisfies Order)
  }

  return (
    <Card title="Verify here">
      <div class="stack tight">
        <p class="soft small">
          This browser checks everything itself: signatures, Merkle proofs
          {task.kind === 'certificate' ? ', the proof of training' : ' and hashes'}. It believes no
          server.
        </p>
        <div>
          <button
            type="button"
            class="button primary"
            onClick={start}
            disabled={progress.outcome === 'running' || known === null || anchor.pinned === null}
          >
            {progress.outcome === 'running' ? 'Verifying…' : 'Verify here'}
          </button>
        </div>
        {progress.outcome !== 'idle' && <Checks task={task} progress={progress} />}
        <div aria-live="polite">
          <Outcome {...progress} />
        </div>
        <AnchorNote anchor={anchor} />
      </div>
    </Card>
  )
}

function after(old: Progress, report: Report): Progress {
  switch (report.type) {
    case 'check':
      return { ...old, checks: new Map(old.checks).set(report.check.name, report.check) }
    case 'verdict':
      return { ...old, outcome: report.ok ? 'true' : 'false' }
    case 'broken':
      return { ...old, outcome: 'broken', why: report.why }
    default:
      return report satisfies never
  }
}

function Checks({ task, progress }: { readonly task: Task; readonly progress: Progress }): VNode {
  return (
    <ol class="checks">
      {checksOf[task.kind].map((name) => {
        const check = progress.checks.get(name)
        const state = check?.state ?? 'waiting'
        return (
          <li key={name} data-state={state} data-check={name}>
            <Icon name={state} />
            <div>
              <p class="what">
                {names[name]}
                <span class="unseen">: {state}</span>
              </p>
              {check !== undefined && check.detail !== '' && (
                <p class="how">{shortened(check.detail)}</p>
              )}
            </div>
            {check !== undefined && check.tookMs > 0 && (
              <span class="took">
                {check.tookMs < 1_000
                  ? `${check.tookMs} ms`
                  : `${(check.tookMs / 1_000).toFixed(1)} s`}
              </span>
            )}
          </li>
        )
      })}
    </ol>
  )
}

/** Hashes in a sentence are long and say little. */
function shortened(text: string): string {
  return text.replace(/0x[0-9a-fA-F]{24,}/g, (hash) => shortHex(hash, 6))
}

function Outcome({ outcome, why }: Progress): VNode | null {
  switch (outcome) {
    case 'true':
      return (
        <p class="verdict" data-tone="good" data-verdict="true">
          Verified, in this browser, trusting no server.
        </p>
      )
    case 'false':
      return (
        <p class="verdict" data-tone="bad" data-verdict="false">
          Refused. What this node shows is not what the validators signed, or cannot be shown to be.
        </p>
      )
    case 'broken':
      return (
        <p class="verdict" data-tone="bad" data-verdict="broken">
          The verification broke off: {why}
        </p>
      )
    default:
      return null
  }
}

function AnchorNote({ anchor }: { readonly anchor: AnchorState }): VNode {
  const [text, setText] = useState('')
  const told = anchor.told.data
  const differs = told !== null && anchor.pinned !== null && told !== anchor.pinned
  const typed = parseHash(text.trim().toLowerCase())
  return (
    <details class="small">
      <summary>
        {differs
          ? 'This node tells of another chain than the one pinned here'
          : `Rests on the first validators, ${anchor.pinned === null ? '…' : shortHex(anchor.pinned)}`}
      </summary>
      <p class="soft">
        Pinned on the first visit: the hash of the validators that began the chain
        {anchor.pinned !== null && (
          <>
            , <span class="mono">{anchor.pinned}</span>
          </>
        )}
        . Compare it with somebody you trust, or with{' '}
        <code>waggle validators --epoch 0 --json</code>.
      </p>
      {differs && (
        <p>
          <button type="button" class="button" onClick={() => pin(told)}>
            Pin what this node tells: {shortHex(told)}
          </button>
        </p>
      )}
      <p>
        <label>
          Pin another{' '}
          <input
            class="field mono"
            value={text}
            placeholder="0x…"
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>{' '}
        <button
          type="button"
          class="button"
          disabled={!typed.ok}
          onClick={() => {
            if (typed.ok) pin(typed.value)
          }}
        >
          Pin
        </button>
      </p>
    </details>
  )
}
