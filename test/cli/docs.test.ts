import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { describe, it } from 'vitest'
import { createProgram } from '../../cli/main.ts'

const text = readFileSync(join(import.meta.dirname, '../../docs/cli.md'), 'utf8')
const io = { colours: false, columns: 80, out: () => {}, err: () => {}, home: '/home/someone' }

function leaves(command: Command, path: string): readonly (readonly [string, Command])[] {
  return command.commands.length === 0
    ? [[path.trim(), command]]
    : command.commands.flatMap((child) => leaves(child, `${path} ${child.name()}`))
}

/** Rows of the table of options: the commands of each, and its options. */
const rows = text
  .slice(text.indexOf('## Options by command'))
  .split('\n')
  .filter((line) => /^\| `/.test(line))
  .map((line) => {
    const [, commands = '', options = ''] = line.split('|')
    return {
      commands: [...commands.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
      options: [...options.matchAll(/`(--[a-z-]+)`/g)].map(([, name]) => name),
    }
  })

describe('docs/cli.md', () => {
  for (const [name, command] of leaves(createProgram(io as never), ''))
    it(`names the options of ${name}, all and no others`, () => {
      const documented = rows.filter(({ commands }) => commands.includes(name))
      assert.equal(documented.length, 1)
      const options = command.options.filter(({ hidden }) => !hidden).map(({ long }) => long)
      assert.deepEqual([...documented[0]!.options].sort(), [...options].sort())
    })
})
