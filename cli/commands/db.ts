/**
 * `waggle db`: looks after the database of a node that is not running.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { parseGenesis } from '../../params/genesis.ts'
import { describeFault } from '../../primitives/result.ts'
import { dataFiles, dataOption, packagedGenesis } from '../dataDir.ts'
import { diskFailure, ExitCode, fail, orFail } from '../failure.ts'
import type { Io } from '../io.ts'
import { createReport } from '../report.ts'
import { table } from '../table.ts'

const examples = `
Examples:
  $ waggle db stats
  $ waggle db verify --data /srv/waggle
  $ waggle db verify --repair
  $ waggle db compact

The node must not be running. --repair writes indexes anew and sets the head back to the last block
that is whole, state included; a node that starts from there takes the rest from its peers.`

type Flags = { readonly data: string; readonly genesis?: string; readonly json?: true }

export function addDb(program: Command, io: Io): void {
  const db = program.command('db').description("look after a stopped node's database")
  const add = (name: string, description: string) =>
    db
      .command(name)
      .description(description)
      .addOption(dataOption(io, 'folder of the node'))
      .option('--json', 'print the result as a JSON line')
      .addHelpText('after', examples)
  add('stats', 'print how much is stored, and of what').action((flags: Flags) => stats(flags, io))
  add('verify', 'check every block, index, receipt and state node')
    .option('--genesis <file>', 'genesis of the chain (default: genesis.json of the data folder)')
    .option('--repair', 'mend what can be, and go back to the last whole block')
    .action((flags: Flags & { readonly repair?: true }) => verify(flags, io))
  add('compact', 'give back the space of what was deleted').action((flags: Flags) =>
    compact(flags, io),
  )
}

/** What the first byte of a key says; see `chain/chainStore.ts` and `node/`. */
const kinds: ReadonlyMap<string, string> = new Map([
  ['n', 'state nodes'],
  ['e', 'blocks'],
  ['c', 'commits'],
  ['r', 'receipts'],
  ['k', 'names of blocks'],
  ['b', 'index of blocks'],
  ['t', 'index of transactions'],
  ['w', 'index of work'],
  ['p', 'sidecars'],
])

async function stats(flags: Flags, io: Io): Promise<void> {
  const { openLevel } = await import('../../storage/level.ts')
  const { levelBytes } = await import('../../storage/levelTools.ts')
  const { chainStore } = await import('../../chain/chainStore.ts')
  const path = pathOf(flags)
  const store = await openLevel(path, { readOnly: true }).catch((error) => notOpen(error))
  try {
    const counts = new Map<string, { entries: number; bytes: number }>()
    for await (const [key, value] of store.scan({
      from: Uint8Array.of(0),
      to: Uint8Array.of(255),
    })) {
      const kind = kinds.get(String.fromCharCode(key[0]!)) ?? 'other'
      const { entries, bytes } = counts.get(kind) ?? { entries: 0, bytes: 0 }
      counts.set(kind, { entries: entries + 1, bytes: bytes + key.length + value.length })
    }
    const blocks = chainStore(store)
    const result = {
      head: await blocks.headHeight(),
      stateFloor: await blocks.stateFloor(),
      diskBytes: await levelBytes(path),
      kinds: Object.fromEntries(counts),
    }
    createReport(io, flags).result(result, () => {
      const rows = [...counts].map(([kind, { entries, bytes }]) => [
        kind,
        String(entries),
        String(bytes),
      ])
      const { head, stateFloor, diskBytes } = result
      return `head ${head}, states from ${stateFloor} on, ${diskBytes} bytes on disk\n${table(io, ['what', 'entries', 'bytes'], rows)}`
    })
  } finally {
    await store.close()
  }
}

async function verify(flags: Flags & { readonly repair?: true }, io: Io): Promise<void> {
  const { openLevel } = await import('../../storage/level.ts')
  const { repairLevel } = await import('../../storage/levelTools.ts')
  const { checkStore } = await import('../../chain/storeCheck.ts')
  const { repairStore } = await import('../../chain/storeRepair.ts')
  const report = createReport(io, flags)
  const { rules, genesisHash } = await rulesOf(flags)
  const path = pathOf(flags)
  const repair = flags.repair === true
  const opened = await openLevel(path, { readOnly: !repair }).catch(async (error: unknown) => {
    if (!repair || /in use/.test(String(error))) return notOpen(error)
    report.warn(`the folder itself is damaged; rebuilding its index: ${String(error)}`)
    await repairLevel(path)
    return openLevel(path)
  })
  const breathe = async (height: bigint) => {
    if (io.stopped.aborted) throw new Error('stopped')
    if (height % 1_000n === 0n) report.note(`block ${height}`)
  }
  try {
    const found = await checkStore(opened, rules, genesisHash, breathe)
    for (const fault of found.faults) report.warn(describeFault(fault))
    const mend = repair && found.faults.length > 0
    const check = mend ? await repairStore(opened, rules, genesisHash, found, breathe) : found
    if (check.faults.length > 0)
      fail({
        what: `the database has ${check.faults.length} faults`,
        why: describeFault(check.faults[0]!),
        next: repair
          ? 'remove the folder chain and start again: peers have the blocks'
          : 'waggle db verify --repair',
      })
    report.result({ ...check, repaired: found.faults.length }, () => {
      const mended = mend ? `, ${found.faults.length} faults mended` : ''
      return `blocks ${check.first} to ${check.head} and ${check.nodes} state nodes are right${mended}\n`
    })
  } finally {
    await opened.close()
  }
}

async function compact(flags: Flags, io: Io): Promise<void> {
  const { compactLevel, levelBytes } = await import('../../storage/levelTools.ts')
  const path = pathOf(flags)
  const before = await levelBytes(path)
  await compactLevel(path).catch((error) => notOpen(error))
  const after = await levelBytes(path)
  createReport(io, flags).result(
    { before, after },
    () => `${before} bytes before, ${after} after\n`,
  )
}

function pathOf({ data }: Flags): string {
  const path = join(data, 'chain')
  if (existsSync(path)) return path
  return fail({
    what: `${data} holds no database`,
    why: `there is no folder ${path}`,
    next: 'name the data folder of a node with --data',
  })
}

async function rulesOf({ data, genesis }: Flags) {
  const { chainRules } = await import('../../node/rules.ts')
  const { genesisOf } = await import('../../chain/openGenesis.ts')
  const inData = join(data, dataFiles.genesis)
  const path = genesis ?? (existsSync(inData) ? inData : packagedGenesis)
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw diskFailure(error, 'cannot read the genesis', 'name it with --genesis')
  })
  const parsed = orFail(parseGenesis(text), `${path} is no genesis`, 'name another with --genesis')
  const rules = await chainRules(parsed)
  const { hash } = await genesisOf(parsed, rules)
  return { rules, genesisHash: hash }
}

function notOpen(error: unknown): never {
  const why = error instanceof Error ? error.message : String(error)
  const inUse = /in use/.test(why)
  return fail(
    {
      what: 'the database cannot be opened',
      why,
      next: inUse ? 'stop the node first' : 'waggle db verify --repair',
      exitCode: inUse ? ExitCode.Unavailable : ExitCode.Refused,
    },
    error,
  )
}
