// Makes what the explorer's pages prove with: `dist/zk/pages/sudoku.wasm` and `sudoku.zkey`.
import { copyFile, mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { devnetArtefacts } from '../zk/artefacts.ts'

const folder = join(import.meta.dirname, '..', 'dist', 'zk', 'pages')

/** Under a name of our own, then renamed: two runs at once must not tear a file. */
async function place(made: string, name: string): Promise<void> {
  const part = join(folder, `${name}.${process.pid}.part`)
  await copyFile(made, part)
  await rename(part, join(folder, name))
}

await mkdir(folder, { recursive: true })
const { wasm, zkey } = await devnetArtefacts('sudoku')
await place(wasm, 'sudoku.wasm')
await place(zkey, 'sudoku.zkey')
