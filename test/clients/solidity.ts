/**
 * Solidity files of the tests, compiled as anyone would compile them.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import solc from 'solc'
import type { Abi, Hex } from 'viem'

export type Compiled = { readonly abi: Abi; readonly bytecode: Hex }

type SolcOutput = {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[]
  readonly contracts: Readonly<
    Record<
      string,
      Readonly<
        Record<string, { readonly abi: Abi; readonly evm: { bytecode: { object: string } } }>
      >
    >
  >
}

/** Every contract in the Solidity file at `path`, by name; fails if the compiler does. */
export function compileSolidity(path: string): Readonly<Record<string, Compiled>> {
  const name = basename(path)
  const input = {
    language: 'Solidity',
    sources: { [name]: { content: readFileSync(path, 'utf8') } },
    settings: {
      evmVersion: 'osaka',
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  }
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as SolcOutput
  const errors = (output.errors ?? []).filter(({ severity }) => severity === 'error')
  assert.deepEqual(errors, [])
  return Object.fromEntries(
    Object.entries(output.contracts[name]!).map(([contract, { abi, evm }]) => [
      contract,
      { abi, bytecode: `0x${evm.bytecode.object}` as Hex },
    ]),
  )
}
