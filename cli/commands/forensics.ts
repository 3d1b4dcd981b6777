/**
 * `waggle forensics`: names who forked the chain, from the data folders of stopped nodes.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { parseGenesis } from '../../params/genesis.ts'
import { checksumAddress } from '../../primitives/address.ts'
import { describeFault } from '../../primitives/result.ts'
import { wholeNumber } from '../arguments.ts'
import { dataFiles } from '../dataDir.ts'
import { fail, orFail } from '../failure.ts'
import { percentText } from '../format.ts'
import type { Io } from '../io.ts'
import { createReport } from '../report.ts'

type Flags = { readonly height: number; readonly genesis?: string; readonly json?: true }

const examples = `
Examples:
  $ waggle forensics --height 1042 /srv/a /srv/b /srv/c

Each folder is the data folder of a stopped node, or a copy of it. The more of them, the better: a
node that is accused of forgetting its lock can answer with its own log.`

export function addForensics(program: Command, io: Io): void {
  program
    .command('forensics')
    .description('name who forked the chain, from the logs of nodes')
    .argument('<folder...>', 'data folders')
    .requiredOption('--height <number>', 'the height in question', wholeNumber(1, 2 ** 47))
    .option('--genesis <file>', 'genesis of the chain (default: that of the first folder)')
    .option('--json', 'print one JSON line')
    .addHelpText('after', examples)
    .action((folders: readonly string[], flags: Flags) => forensics(folders, flags, io))
}

async function forensics(folders: readonly string[], flags: Flags, io: Io): Promise<void> {
  const { judgeQuarrel, readTestimony } = await import('../../node/quarrel.ts')
  const path = flags.genesis ?? join(folders[0]!, dataFiles.genesis)
  const next = 'name the genesis of the chain with --genesis'
  const text = await readFile(path, 'utf8').catch((error: Error) =>
    fail({ what: `cannot read ${path}`, why: error.message, next }),
  )
  const genesis = orFail(parseGenesis(text), `${path} is no genesis`, next)
  const height = BigInt(flags.height)
  const testimonies: Awaited<ReturnType<typeof readTestimony>>[] = []
  for (const folder of folders)
    testimonies.push(
      await readTestimony(folder, genesis, height).catch((error: Error) =>
        fail({
          what: `cannot read ${folder}`,
          why: error.message,
          next: 'stop its node, or name a copy of its data folder',
        }),
      ),
    )
  const judged = judgeQuarrel(testimonies)
  if (!judged.ok)
    return fail({
      what: `nobody is to blame for height ${height}`,
      why: describeFault(judged.fault),
      next: 'add the folders of more nodes, or name another height',
    })
  const { offence, round, culprits, power, total, electorate } = judged.value
  const members = culprits.map((index) => electorate.set.validators[index]!.address)
  createReport(io, flags).result(
    { height, offence, round, culprits: members, power, total },
    () => {
      const share = percentText(Number(power), Number(total))
      const list = members.map((address) => `  ${checksumAddress(address)}\n`).join('')
      return `${offence} in round ${round}, by ${share} of the power:\n${list}`
    },
  )
}
