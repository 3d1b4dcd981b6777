/**
 * Try what was trained: the weights are fetched, checked against their commitment, and run here, in the
 * integers of training.
 */
import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { JobWire, WeightsWire } from '../../../client/wire.ts'
import { num } from '../format.ts'
import { node, useQuery } from '../net/node.ts'
import { Pending, Progress } from '../ui/parts.tsx'
import { DigitPad } from './digitPad.tsx'
import { type Loaded, loadModel, type Outputs, runModel } from './model.ts'

/** Pixels of a drawn digit. */
const digitPixels = 784

export function TryModel({ job }: { readonly job: JobWire }): VNode {
  const [isWanted, setWanted] = useState(false)
  const features = num(job.definition.layers[0]!)
  if (!isWanted)
    return (
      <div class="stack tight">
        <p class="soft small">
          Fetches the newest weights, checks that they are the certified ones, and runs them in this
          browser.
        </p>
        <div>
          <button type="button" class="button" onClick={() => setWanted(true)}>
            {features === digitPixels ? 'Draw a digit' : 'Give it numbers'}
          </button>
        </div>
      </div>
    )
  return <Trial job={job} features={features} />
}

function Trial({ job, features }: { readonly job: JobWire; readonly features: number }): VNode {
  const loaded = useQuery(async () => {
    const weights = await node.call<WeightsWire | null>('train_getWeights', job.id)
    if (weights === null) throw new Error('there are no weights')
    return loadModel(job, weights)
  }, [job.id, job.rangesDone])
  const [input, setInput] = useState<Int8Array | null>(null)
  const [outputs, setOutputs] = useState<Outputs | null>(null)
  const model = loaded.data
  useEffect(() => {
    if (model === null || input === null) {
      setOutputs(null)
      return
    }
    let isWanted = true
    runModel(model, input).then(
      (found) => {
        if (isWanted) setOutputs(found)
      },
      () => {},
    )
    return () => {
      isWanted = false
    }
  }, [model, input])
  if (model === null) return <Pending query={loaded} />
  return (
    <div class="try">
      {features === digitPixels ? (
        <DigitPad onInput={setInput} />
      ) : (
        <Numbers count={features} onInput={setInput} />
      )}
      <Guess outputs={outputs} model={model} />
    </div>
  )
}

function Guess({
  outputs,
  model,
}: {
  readonly outputs: Outputs | null
  readonly model: Loaded
}): VNode {
  const highest = Math.max(...(outputs?.values ?? [0]), 1)
  return (
    <div class="stack tight">
      <div aria-live="polite">
        {outputs === null ? (
          <p class="soft">Nothing to judge yet.</p>
        ) : (
          <p>
            It sees <span class="guess">{outputs.best}</span>
          </p>
        )}
      </div>
      <ul class="bars" aria-label="Outputs of the model">
        {Array.from({ length: Math.min(model.classes, 32) }, (_, i) => {
          const value = outputs?.values[i] ?? 0
          return (
            <li key={i} class={outputs?.best === i ? 'best' : ''}>
              <span>{i}</span>
              <Progress part={value / highest} label={`class ${i}`} />
              <span>{value}</span>
            </li>
          )
        })}
      </ul>
      <p class="soft small">
        Weights <span class="mono">{model.commitment.slice(0, 18)}…</span> match their certificate.
      </p>
    </div>
  )
}

/** Any other input: int8 numbers with commas. */
function Numbers({
  count,
  onInput,
}: {
  readonly count: number
  readonly onInput: (row: Int8Array | null) => void
}): VNode {
  const [text, setText] = useState('')
  const read = (typed: string) => {
    setText(typed)
    const numbers = typed.split(/[\s,]+/).filter((part) => part !== '')
    const values = numbers.map(Number)
    const fits =
      values.length === count &&
      values.every((value) => Number.isInteger(value) && Math.abs(value) <= 127)
    onInput(fits ? Int8Array.from(values) : null)
  }
  return (
    <label>
      {count} whole numbers from −127 to 127
      <textarea
        class="field mono"
        rows={4}
        value={text}
        onInput={(event) => read(event.currentTarget.value)}
        placeholder="-20, 35, -90, …"
      />
    </label>
  )
}
