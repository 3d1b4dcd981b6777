/**
 * `waggle init`: makes a data folder with a genesis and a validator's keys.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import {
  createKeys,
  listKeys,
  newSecrets,
  possessionOf,
  readPassword,
  writeSecretFile,
} from '../../node/keys.ts'
import { devnetKeys, devnetPassword, devnetWarning } from '../../node/keysDevnet.ts'
import { type Genesis, parseGenesis } from '../../params/genesis.ts'
import { checksumAddress } from '../../primitives/address.ts'
import { toHex } from '../../primitives/bytes.ts'
import { wholeNumber } from '../arguments.ts'
import { dataFiles, dataOption, defaultDataDir, packagedGenesis } from '../dataDir.ts'
import { diskFailure, fail, orFail } from '../failure.ts'
import type { Io } from '../io.ts'
import { createReport, type Report } from '../report.ts'
import { fields } from '../table.ts'

type Flags = {
  readonly data: string
  readonly genesis: string
  readonly passwordFile?: string
  readonly devnetValidator?: number
  readonly json?: true
}

const examples = `
Examples:
  $ waggle init                                       keys in ~/.waggle, a fresh random password
  $ waggle init --data /srv/waggle --genesis mainnet.json --password-file /run/secrets/waggle
  $ waggle init --data node0 --devnet-validator 0     public keys, for a devnet only

The random password is written to DATA/password, readable by you alone. Keep a copy of DATA/keys
and of the password: nobody can make them again.`

export function addInit(program: Command, io: Io): void {
  program
    .command('init')
    .description("make a data folder with a genesis and a validator's keys")
    .addOption(dataOption(io, 'where'))
    .addOption(
      new Option('--genesis <file>', 'genesis of the chain to join').default(
        packagedGenesis,
        'the development network',
      ),
    )
    .option('--password-file <file>', 'seal the keys with its first line (default: a random one)')
    .option('--devnet-validator <n>', 'INSECURE: public keys of validator n', wholeNumber(0, 99))
    .option('--json', 'print a JSON line')
    .addHelpText('after', examples)
    .action((flags: Flags) => init(flags, io))
}

async function init(flags: Flags, io: Io): Promise<void> {
  const report = createReport(io, flags)
  const { text, genesis } = await readGenesis(flags.genesis)
  await mkdir(flags.data, { recursive: true, mode: 0o700 })
  const made = await makeKeys(flags, report)
  await writeWhole(join(flags.data, dataFiles.genesis), text)
  const result = { data: flags.data, chain: genesis.name, chainId: genesis.chainId, ...made }
  report.result(result, () =>
    fields(io, [
      ['data folder', flags.data],
      ['chain', `${genesis.name} (${genesis.chainId})`],
      ['account', checksumAddress(made.address)],
      ['voting key', made.publicKey],
      ['next', `waggle start${flags.data === defaultDataDir(io) ? '' : ` --data ${flags.data}`}`],
    ]),
  )
}

async function makeKeys(flags: Flags, report: Report) {
  const folder = join(flags.data, dataFiles.keys)
  const next = 'choose another --data folder, or `waggle start` with the keys that are there'
  const what = `cannot make keys in ${folder}`
  if ((await listKeys(folder)).ok) return fail({ what, why: 'there are keys already', next })
  const { devnetValidator } = flags
  if (devnetValidator !== undefined) report.warn(devnetWarning)
  const isDevnet = devnetValidator !== undefined
  const secrets = isDevnet ? devnetKeys(devnetValidator) : newSecrets()
  const password = await choosePassword(flags, isDevnet ? devnetPassword : randomPassword())
  const strength = isDevnet ? 'devnet' : 'standard'
  const made = await createKeys(folder, password, secrets, strength)
  const names = orFail(made, what, next)
  return { ...names, possession: possessionOf(secrets) }
}

/** The named file's, or `fresh` in a file that `waggle start` will find. */
async function choosePassword({ data, passwordFile }: Flags, fresh: string): Promise<string> {
  if (passwordFile !== undefined) {
    const read = await readPassword(passwordFile)
    return orFail(read, `cannot use the password in ${passwordFile}`, 'put it on the first line')
  }
  const path = join(data, dataFiles.password)
  try {
    await writeSecretFile(path, `${fresh}\n`)
    return fresh
  } catch (error) {
    throw diskFailure(error, `cannot write ${path}`, 'use it with --password-file, or move it away')
  }
}

function randomPassword(): string {
  return toHex(Uint8Array.from(randomBytes(24))).slice(2)
}

async function readGenesis(
  path: string,
): Promise<{ readonly text: string; readonly genesis: Genesis }> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw diskFailure(error, `cannot read the genesis ${path}`, 'name the file with --genesis')
  })
  const parsed = parseGenesis(text)
  if (parsed.ok) return { text, genesis: parsed.value }
  const { field, why } = parsed.fault
  return fail({
    what: `the genesis ${path} is refused`,
    why: field === '' ? why : `${field} ${why}`,
    next: 'get the file anew from whoever runs the chain',
  })
}

/** The file is old or new, never half. */
async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o644 })
  await rename(`${path}.new`, path)
}
