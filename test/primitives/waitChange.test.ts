import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { describe, it } from 'vitest'
import { waitChange } from '../../primitives/waitChange.ts'

/** A thread that tells each change of word 0 it wakes up for. */
const sleeper = `
  const { parentPort, workerData } = require('node:worker_threads')
  import(workerData.module).then(({ waitChange }) => {
    let seen = 0
    parentPort.postMessage(seen)
    for (;;) {
      seen = waitChange(workerData.words, 0, seen)
      parentPort.postMessage(seen)
    }
  })
`

describe('waiting for a change of shared memory', () => {
  it('finds one that is there', () => {
    assert.equal(waitChange(new Int32Array(new SharedArrayBuffer(8)).fill(7), 1, 6), 7)
  })

  it('sleeps over notifications that bring none', async () => {
    const words = new Int32Array(new SharedArrayBuffer(4))
    const module = new URL('../../primitives/waitChange.ts', import.meta.url).href
    const thread = new Worker(sleeper, { eval: true, workerData: { words, module } })
    try {
      await once(thread, 'message')
      const told: number[] = []
      thread.on('message', (value: number) => told.push(value))
      for (let change = 1; change <= 3; change++) {
        // It is asleep once a notification finds it; the next comes late for it.
        while (Atomics.notify(words, 0) === 0) await sleep(1)
        while (Atomics.notify(words, 0) === 0) await sleep(1)
        assert.equal(told.length, change - 1)
        Atomics.store(words, 0, change)
        Atomics.notify(words, 0)
        while (told.length < change) await sleep(1)
      }
      assert.deepEqual(told, [1, 2, 3])
    } finally {
      await thread.terminate()
    }
  })
})
