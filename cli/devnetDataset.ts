/**
 * The rows of a devnet's first job: its genesis names MNIST, which comes with the program. They are put
 * where each node will look before it starts.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { importSample } from '../node/sampleData.ts'
import { parseGenesis } from '../params/genesis.ts'
import { openBlobStore } from '../storage/blobStore.ts'
import { dataFiles, packagedGenesis } from './dataDir.ts'
import { fail, orFail } from './failure.ts'

/** Give the node of every data folder the rows it lacks. The nodes must not run. */
export async function placeFirstDataset(
  folders: readonly string[],
  note: (text: string) => void,
): Promise<void> {
  const next = 'Run: npm ci'
  const genesis = orFail(
    parseGenesis(await readFile(packagedGenesis, 'utf8')),
    'the genesis that came with the program is damaged',
    next,
  )
  const blob = genesis.firstJob?.dataset.blob
  if (blob === undefined) return
  const stores = folders.map((folder) => openBlobStore(join(folder, dataFiles.blobs)))
  const lacking = []
  for (const store of await Promise.all(stores)) if (!(await store.has(blob))) lacking.push(store)
  if (lacking.length === 0) return
  note('importing MNIST')
  const folder = await mkdtemp(join(tmpdir(), 'waggle-mnist-'))
  try {
    const path = join(folder, 'mnist')
    orFail(importSample('mnist', path), 'cannot import MNIST', next)
    for (const store of lacking) {
      const got = orFail(await store.putFile(path), 'cannot keep MNIST', 'make room on the disk')
      if (got !== blob) fail({ what: 'this is not the MNIST of the genesis', why: got, next })
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
