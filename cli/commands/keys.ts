/**
 * `waggle keys`: folders of validator keys.
 */
import type { Command } from 'commander'
import {
  createKeys,
  keyFoldersIn,
  listKeys,
  loadKeys,
  newSecrets,
  possessionOf,
  readPassword,
  type ValidatorNames,
} from '../../node/keys.ts'
import { checksumAddress } from '../../primitives/address.ts'
import { defaultDataDir } from '../dataDir.ts'
import { fail, orFail } from '../failure.ts'
import type { Io } from '../io.ts'
import { createReport } from '../report.ts'
import { fields, table } from '../table.ts'

const createExamples = `
Examples:
  $ waggle keys create validator1 --password-file password.txt`

const listExamples = `
Examples:
  $ waggle keys list                   folders of keys in ~/.waggle
  $ waggle keys list validator1        one folder, or the folders inside it`

const showExamples = `
Examples:
  $ waggle keys show validator1 --password-file password.txt --json

The possession is what Staking.register asks for beside the public key. Secrets are never shown.`

type PasswordFlags = { readonly passwordFile: string; readonly json?: true }

export function addKeys(program: Command, io: Io): void {
  const keys = program.command('keys').description('make and inspect validator keys')
  keys
    .command('create')
    .description('make a folder with an account, a voting key and a network identity')
    .argument('<folder>', 'must not exist, or be empty')
    .requiredOption('--password-file <file>', 'its first line seals the keys')
    .option('--json', 'print a JSON line')
    .addHelpText('after', createExamples)
    .action((folder: string, flags: PasswordFlags) => create(folder, flags, io))
  keys
    .command('list')
    .description('list keys by their public parts; needs no password')
    .argument('[folder]', 'a folder of keys, or one that holds such folders (default: ~/.waggle)')
    .option('--json', 'print a JSON line for each')
    .addHelpText('after', listExamples)
    .action((folder: string | undefined, flags: { readonly json?: true }) =>
      list(folder ?? defaultDataDir(io), flags, io),
    )
  keys
    .command('show')
    .description('check a password and print what registering as a validator needs')
    .argument('<folder>', 'a folder of keys')
    .requiredOption('--password-file <file>', 'its first line opens the keys')
    .option('--json', 'print a JSON line')
    .addHelpText('after', showExamples)
    .action((folder: string, flags: PasswordFlags) => show(folder, flags, io))
}

async function create(folder: string, flags: PasswordFlags, io: Io): Promise<void> {
  const password = await passwordOf(flags)
  const made = await createKeys(folder, password, newSecrets())
  const names = orFail(made, `cannot make keys in ${folder}`, 'name a folder that does not exist')
  createReport(io, flags).result({ folder, ...names }, () => namesText(io, folder, names))
}

async function list(folder: string, flags: { readonly json?: true }, io: Io): Promise<void> {
  const direct = await listKeys(folder)
  const folders = direct.ok ? [folder] : await keyFoldersIn(folder)
  if (folders.length === 0)
    return fail({
      what: `no keys in ${folder}`,
      why: 'neither the folder nor one directly inside it holds account.json and voting.json',
      next: 'make some with `waggle init` or `waggle keys create FOLDER --password-file FILE`',
    })
  const found: ({ readonly folder: string } & ValidatorNames)[] = []
  for (const path of folders)
    found.push({ folder: path, ...orFail(await listKeys(path), path, 'look at the file') })
  if (flags.json === true)
    for (const entry of found) createReport(io, flags).result(entry, () => '')
  else {
    const rows = found.map(({ address, publicKey, ...entry }) => [
      entry.folder,
      checksumAddress(address),
      publicKey,
    ])
    io.out(table(io, ['folder', 'account', 'voting key'], rows))
  }
}

async function show(folder: string, flags: PasswordFlags, io: Io): Promise<void> {
  const loaded = await loadKeys(folder, await passwordOf(flags))
  if (!loaded.ok && loaded.fault.code === 'keystore/password')
    return fail({
      what: `cannot open the keys in ${folder}`,
      why: `the password does not open ${loaded.fault.path}`,
      next: 'name the right file with --password-file',
    })
  const keys = orFail(loaded, `cannot open the keys in ${folder}`, 'look at the file it names')
  const { address, publicKey } = keys
  const possession = possessionOf(keys)
  createReport(io, flags).result(
    { folder, address, publicKey, possession },
    () => namesText(io, folder, { address, publicKey }) + fields(io, [['possession', possession]]),
  )
}

async function passwordOf({ passwordFile }: PasswordFlags): Promise<string> {
  const read = await readPassword(passwordFile)
  return orFail(read, `cannot use the password in ${passwordFile}`, 'put it on the first line')
}

function namesText(io: Io, folder: string, { address, publicKey }: ValidatorNames): string {
  return fields(io, [
    ['folder', folder],
    ['account', checksumAddress(address)],
    ['voting key', publicKey],
  ])
}
