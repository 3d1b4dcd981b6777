import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { describe, it } from 'vitest'
import { checkRoom, unlessFull, unlessMissing, writeAt } from '../../storage/files.ts'

describe('disk full', () => {
  it.runIf(existsSync('/dev/full'))('is a verdict when the disk refuses a write', async () => {
    const file = await open('/dev/full', 'w')
    const result = await unlessFull('/dev/full', 5, () => writeAt(file, new Uint8Array(5), 0))
    await file.close()
    assert.deepEqual(result, {
      ok: false,
      fault: { code: 'disk/full', path: '/dev/full', needed: 5, free: -1 },
    })
  })

  it('is a verdict with numbers when it can be foreseen', async () => {
    const result = await checkRoom(tmpdir(), 2 ** 52, 0)
    assert.ok(!result.ok && result.fault.needed === 2 ** 52 && result.fault.free >= 0)
    assert.ok((await checkRoom(tmpdir(), 0, 0)).ok)
  })

  it('leaves every other failure an exception', async () => {
    const missing = () => open('/nowhere/at/all')
    await assert.rejects(unlessFull('/nowhere', 1, missing), { code: 'ENOENT' })
    assert.equal(await unlessMissing(missing()), undefined)
    await assert.rejects(unlessMissing(open('/dev/null/below')), { code: 'ENOTDIR' })
  })
})
