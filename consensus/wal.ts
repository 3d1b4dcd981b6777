/**
 * The write-ahead log: everything that moved the machine at the present height, in order, and the bytes
 * of the values it may be locked on. A crash is a replay of inputs.
 *
 * Two files per height: `inputs`, small and kept for some heights as forensic evidence, and `values`,
 * large and deleted as soon as the height is over.
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type CodecFault, decode, type Reader, Writer } from '../primitives/codec.ts'
import { invariant, ok, type Result } from '../primitives/result.ts'
import { type LogFault, type OpenLog, openLog, readRecords } from './logFile.ts'
import type { Input } from './machineState.ts'
import { Step } from './machineState.ts'
import { maxRound, readProposal, readVote, writeProposal, writeVote } from './messages.ts'

type WalFault = LogFault | CodecFault

export type WalOptions = {
  /** Heights whose inputs are kept for a later quarrel: two epochs. @default 128 */
  readonly keepHeights?: number | undefined
}

/** What a height's log held when it was opened. */
export type WalContent = {
  readonly inputs: readonly Input[]
  readonly envelopes: readonly Uint8Array[]
  readonly sidecars: readonly Uint8Array[]
  /** Bytes of a torn tail that were cut off. */
  readonly cut: number
}

export type Wal = {
  /** Turn to `height`: close the log before it, drop what is over, read what is there. */
  readonly open: (height: bigint) => Promise<Result<WalContent, WalFault>>
  readonly appendInput: (input: Input) => void
  readonly appendEnvelope: (bytes: Uint8Array) => void
  readonly appendSidecar: (bytes: Uint8Array) => void
  /** Resolves when everything so far survives a crash; called before every send. */
  readonly sync: () => Promise<void>
  readonly close: () => Promise<void>
}

/** A log in files of its own below `folder`. Appends before the first `open` are our own bug. */
export function createWal(folder: string, options: WalOptions = {}): Wal {
  const { keepHeights = 128 } = options
  let files: { readonly inputs: OpenLog; readonly values: OpenLog } | null = null

  function opened(): NonNullable<typeof files> {
    invariant(files !== null, 'wal: used before open')
    return files
  }

  async function close(): Promise<void> {
    const closing = files
    files = null
    try {
      await closing?.values.close()
    } finally {
      await closing?.inputs.close()
    }
  }

  return {
    open: async (height) => {
      await close()
      await dropOld(folder, height, keepHeights)
      const inputs = await openLog(join(folder, fileName(height, 'inputs')))
      if (!inputs.ok) return inputs
      const values = await openLog(join(folder, fileName(height, 'values'))).catch(
        async (error: unknown) => {
          await inputs.value.close()
          throw error
        },
      )
      if (values.ok) files = { inputs: inputs.value, values: values.value }
      else {
        await inputs.value.close()
        return values
      }
      const content = readContent(inputs.value, values.value)
      if (!content.ok) await close()
      return content
    },
    appendInput: (input) => opened().inputs.append(encodeInput(input)),
    appendEnvelope: (bytes) => opened().values.append(tagged(0, bytes)),
    appendSidecar: (bytes) => opened().values.append(tagged(1, bytes)),
    // Values first: an input that says a value is complete must never outlive the value.
    sync: async () => {
      await opened().values.sync()
      await opened().inputs.sync()
    },
    close,
  }
}

/** The inputs in the log of `height`, which stays as it is; none if there is no such log. */
export async function readInputs(
  folder: string,
  height: bigint,
): Promise<Result<readonly Input[], CodecFault>> {
  const records = await readRecords(join(folder, fileName(height, 'inputs')))
  return decodeInputs(records ?? [])
}

/** A log that remembers nothing, for nodes that only follow and therefore never sign. */
export const noWal: Wal = {
  open: async () => ok({ inputs: [], envelopes: [], sidecars: [], cut: 0 }),
  appendInput: () => {},
  appendEnvelope: () => {},
  appendSidecar: () => {},
  sync: async () => {},
  close: async () => {},
}

function readContent(inputs: OpenLog, values: OpenLog): Result<WalContent, CodecFault> {
  const decoded = decodeInputs(inputs.records)
  if (!decoded.ok) return decoded
  const ofKind = (kind: number) =>
    values.records.filter((record) => record[0] === kind).map((record) => record.subarray(1))
  const cut = inputs.cut + values.cut
  return ok({ inputs: decoded.value, envelopes: ofKind(0), sidecars: ofKind(1), cut })
}

function decodeInputs(records: readonly Uint8Array[]): Result<readonly Input[], CodecFault> {
  const decoded: Input[] = []
  for (const record of records) {
    const input = decodeInput(record)
    if (!input.ok) return input
    decoded.push(input.value)
  }
  return ok(decoded)
}

function tagged(kind: 0 | 1, bytes: Uint8Array): Uint8Array {
  return new Writer().uint(kind, 1).fixed(bytes).bytes()
}

type FileKind = 'inputs' | 'values'

function fileName(height: bigint, kind: FileKind): string {
  return `${height}.${kind}`
}

async function dropOld(folder: string, height: bigint, keepHeights: number): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  for (const name of names) {
    const found = /^(\d+)\.(inputs|values)$/.exec(name)
    if (found === null || BigInt(found[1]!) === height) continue
    const kept = found[2] === 'inputs' && BigInt(found[1]!) + BigInt(keepHeights) > height
    if (!kept) await rm(join(folder, name), { force: true })
  }
}

const steps = [Step.Propose, Step.Prevote, Step.Precommit] as const

export function encodeInput(input: Input): Uint8Array {
  const writer = new Writer()
  switch (input.type) {
    case 'proposal':
      return writeProposal(input.proposal, writer.uint(0, 1).uint(input.timely ? 1 : 0, 1)).bytes()
    case 'complete':
      return writer.uint(1, 1).hash(input.value).bytes()
    case 'judged':
      return writer
        .uint(2, 1)
        .hash(input.value)
        .uint(input.time === null ? 0 : 1, 1)
        .uint(input.time ?? 0n, 8)
        .bytes()
    case 'vote':
      return writeVote(input.vote, writer.uint(3, 1)).bytes()
    case 'timeout':
      return writer.uint(4, 1).uint(steps.indexOf(input.step), 1).uint(input.round, 4).bytes()
    default:
      return input satisfies never
  }
}

export function decodeInput(bytes: Uint8Array): Result<Input, CodecFault> {
  return decode(bytes, readInput)
}

function readInput(reader: Reader): Input {
  switch (reader.number(1)) {
    case 0: {
      const timely = reader.number(1, 1) === 1
      return { type: 'proposal', proposal: readProposal(reader), timely }
    }
    case 1:
      return { type: 'complete', value: reader.hash() }
    case 2: {
      const value = reader.hash()
      const valid = reader.number(1, 1) === 1
      const time = reader.uint(8)
      return { type: 'judged', value, time: valid ? time : null }
    }
    case 3:
      return { type: 'vote', vote: readVote(reader) }
    case 4:
      return {
        type: 'timeout',
        step: steps[reader.number(1)] ?? reader.fail('step'),
        round: reader.number(4, maxRound),
      }
    default:
      return reader.fail('input kind')
  }
}
