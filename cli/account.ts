/**
 * Whose account pays: a keystore with a password file, or a devnet's public account.
 */
import { type Command, Option } from 'commander'
import type { LocalAccount } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { loadAccountKey, readPassword } from '../node/keys.ts'
import { devnetAccount, devnetWarning } from '../node/keysDevnet.ts'
import { toHex } from '../primitives/bytes.ts'
import { describeFault } from '../primitives/result.ts'
import { wholeNumber } from './arguments.ts'
import { ExitCode, fail } from './failure.ts'
import type { Report } from './report.ts'

export type AccountFlags = {
  readonly keyFile?: string
  readonly passwordFile?: string
  readonly devnetAccount?: number
}

export function addAccountOptions(command: Command): Command {
  return command
    .option('--key-file <file>', 'keystore of the account that pays (Ethereum V3)')
    .option('--password-file <file>', "file with the keystore's password")
    .addOption(
      new Option('--devnet-account <n>', 'pay from public account n of a devnet, 0 to 9')
        .argParser(wholeNumber(0, 9))
        .conflicts(['keyFile', 'passwordFile']),
    )
}

/** The account to sign with. @throws {Failure} if none is named or its keystore does not open. */
export async function openAccount(flags: AccountFlags, report: Report): Promise<LocalAccount> {
  if (flags.devnetAccount !== undefined) {
    report.warn(devnetWarning)
    return privateKeyToAccount(toHex(devnetAccount(flags.devnetAccount).privateKey))
  }
  const { keyFile, passwordFile } = flags
  if (keyFile === undefined || passwordFile === undefined)
    return fail({
      what: 'no account to pay from',
      why: keyFile === undefined ? '--key-file is missing' : '--password-file is missing',
      next: 'give --key-file FILE --password-file FILE, or --devnet-account 0 on a devnet',
      exitCode: ExitCode.Usage,
    })
  const password = await readPassword(passwordFile)
  const key = password.ok ? await loadAccountKey(keyFile, password.value) : password
  if (key.ok) return privateKeyToAccount(toHex(key.value))
  return fail({
    what: `cannot open the keystore ${keyFile}`,
    why:
      key.fault.code === 'keystore/password' ? 'the password is wrong' : describeFault(key.fault),
    next: 'check --key-file and --password-file',
  })
}
