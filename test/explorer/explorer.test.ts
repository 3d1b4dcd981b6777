import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { jobOfWire } from '../../client/jobWire.ts'
import type { DatasetWire, JobWire, WeightsWire } from '../../client/wire.ts'
import { datasetFromBytes, readRows } from '../../compute/dataset.ts'
import { score } from '../../compute/evaluate.ts'
import { decodeState } from '../../compute/modelState.ts'
import { referenceBackend } from '../../compute/reference.ts'
import type { Hash } from '../../primitives/hash.ts'
import { evaluationJob } from '../../registry/evaluation.ts'
import { rowSpan } from '../../registry/job.ts'
import { heightOf, rpcCall, untilHeight } from '../e2e/devnet.ts'
import {
  type Hive,
  openHive,
  openPage,
  overflow,
  type Page,
  pictures,
  seriousFindings,
  untilTrue,
  visit,
} from './browser.ts'
import { hostileTests } from './hostile.ts'
import { sudokuTests } from './sudoku.ts'

let hive: Hive
beforeAll(async () => {
  hive = await openHive()
}, 300_000)
afterAll(() => hive.stop())

/** Bytes of the first view, compressed, and no more. */
const budget = 300_000

/** Every page, by the name of its picture. */
async function everyPath(): Promise<readonly (readonly [name: string, path: string])[]> {
  const { url, job, dataset } = hive
  const certificate = await rpcCall<Record<string, string>>(url, 'train_getCertificate', job, '0x0')
  return [
    ['now', '/'],
    ['jobs', '/jobs'],
    ['job', `/job/${job}`],
    ['certificate', `/certificate/${job}/0`],
    ['blocks', '/blocks'],
    ['block', `/block/${Number(certificate.blockNumber)}`],
    ['transaction', `/transaction/${certificate.transactionHash}`],
    ['address', `/address/${certificate.worker}`],
    ['module', '/address/0x0000000000000000000000000000000000005703'],
    ['validators', '/validators'],
    ['data', '/data'],
    ['dataset', `/dataset/${dataset}`],
    ['search', '/search/nothing'],
  ]
}

/** Height that the page's header shows. */
const shownHeight = async (page: Page): Promise<number> =>
  Number(await page.getAttribute('.pulse', 'data-height'))

const untilShown = (page: Page, height: bigint) =>
  untilTrue(page, `Number(document.querySelector('.pulse')?.dataset.height) >= ${height}`)

describe('every page', () => {
  for (const [width, dark] of [
    [1_280, false],
    [390, true],
  ] as const)
    it(`is whole, legible and accessible at ${width} pixels, ${dark ? 'dark' : 'light'}`, async () => {
      const { page, close } = await openPage(hive.browser, { width, dark })
      for (const [name, path] of await everyPath()) {
        await visit(page, hive.url + path)
        await page.screenshot({ path: join(pictures, `${name}-${width}.png`), fullPage: true })
        assert.ok((await overflow(page)) <= 0, `${path} is too wide`)
        // The phone's pages are the same but for their frame.
        if (width > 400 || name === 'now') assert.deepEqual(await seriousFindings(page), [], path)
      }
      await close()
    }, 120_000)

  it('opens in a browser whose language no standard knows', async () => {
    const { page, context, close } = await openPage(hive.browser)
    await context.addInitScript(
      "Object.defineProperty(Navigator.prototype, 'language', { get: () => 'en-US@posix' })",
    )
    await visit(page, hive.url)
    await page.waitForSelector('.chart canvas')
    await close()
  })

  it('loads no more than the first view needs', async () => {
    const { page, close } = await openPage(hive.browser)
    await visit(page, hive.url)
    const bytes = Number(
      await page.evaluate(
        `['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type))
          .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)`,
      ),
    )
    assert.ok(bytes > 0 && bytes <= budget, `${bytes} bytes`)
    await close()
  })
})

/** Milliseconds until `page` shows the next block, from when the node has it. */
async function delayOfNextBlock(page: Page): Promise<number> {
  const before = await heightOf(hive.url)
  await untilHeight(hive.url, before + 1n)
  const there = performance.now()
  await untilShown(page, before + 1n)
  return performance.now() - there
}

describe('a page, at its best of a few times', () => {
  it('can be used within a second, and shows a block within a second', async () => {
    const { page, close } = await openPage(hive.browser)
    const ready: number[] = []
    const delays: number[] = []
    for (let i = 0; i < 3; i++) {
      await visit(page, hive.url)
      // The script that draws the page is a module: it has run when this event ends.
      const entry = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
      ready.push(Number(await page.evaluate(entry)))
      delays.push(await delayOfNextBlock(page))
    }
    await writeFile(join(pictures, 'times.json'), JSON.stringify({ ready, delays }))
    assert.ok(Math.min(...ready) <= 1_000, `ready after ${ready.join(', ')} ms`)
    assert.ok(Math.min(...delays) <= 1_000, `shown after ${delays.join(', ')} ms`)
    await close()
  }, 120_000)
})

/** Part of the held-out rows that the weights after `step` are right on, by the reference. */
async function referenceAccuracy(step: number): Promise<number> {
  const { url } = hive
  const blob = async (hash: Hash) =>
    new Uint8Array(await (await fetch(`${url}/blob/${hash}`)).arrayBuffer())
  const job = jobOfWire(await rpcCall<JobWire>(url, 'train_getJob', hive.job))
  const range = Math.ceil(step / job.leaseSteps) - 1
  const weights = await rpcCall<WeightsWire>(url, 'train_getWeights', hive.job, range)
  const state = decodeState(job, await blob(weights.blob))
  const registered = await rpcCall<DatasetWire>(url, 'data_getDataset', hive.dataset)
  const dataset = datasetFromBytes(await blob(registered.blob))
  assert.ok(state.ok && dataset.ok)
  const { first, count } = rowSpan(evaluationJob(job), dataset.value.rows)
  const rows = readRows(
    dataset.value,
    Uint32Array.from({ length: count }, (_, i) => first + i),
  )
  assert.ok(rows.ok)
  const session = await referenceBackend.open(job, state.value)
  const { correct } = score(await session.outputs(rows.value), rows.value, job.layers.at(-1)!)
  await session.close()
  return correct / count
}

describe('a job', () => {
  it('shows the accuracy of its checkpoints as they come, and in the list of jobs', async () => {
    const { page, close } = await openPage(hive.browser)
    await visit(page, `${hive.url}/job/${hive.job}`)
    const told = '[data-accuracy]'
    await page.waitForSelector(told)
    const step = () => page.getAttribute(told, 'data-step').then(Number)
    const before = await step()
    await untilTrue(page, `Number(document.querySelector('${told}').dataset.step) > ${before}`)
    const [accuracy, after] = (await page.evaluate(
      `Object.values({ ...document.querySelector('${told}').dataset }).map(Number)`,
    )) as readonly [number, number]
    assert.equal(accuracy, await referenceAccuracy(after))
    await page.click('text=As a table')
    const last = page.locator('section[aria-label^="Accuracy of each"] tbody tr').last()
    assert.match(await last.innerText(), / %/)
    await page.click('nav a[href="/jobs"]')
    await untilTrue(page, "document.querySelectorAll('.job-row .spark').length >= 2")
    await close()
  }, 120_000)
})

describe('a validator', () => {
  it('has a record of its work, and says whether it was slashed', async () => {
    const { url, job } = hive
    const certificate = await rpcCall<Record<string, string>>(
      url,
      'train_getCertificate',
      job,
      '0x0',
    )
    const { page, close } = await openPage(hive.browser)
    await visit(page, `${url}/address/${certificate.worker}`)
    const text = 'no; it may vote and work'
    await untilTrue(page, `document.body.textContent.includes('${text}')`)
    await close()
  }, 60_000)
})

describe('a live page', () => {
  it('shows each block as it comes, and fills the gap of a restart', async () => {
    const { page, complaints, context } = await openPage(hive.browser)
    await visit(page, hive.url)
    await untilShown(page, 1n)
    const before = await shownHeight(page)
    await untilShown(page, BigInt(before + 3))
    const [node] = hive.net.nodes
    await node!.kill('SIGTERM')
    await page.waitForSelector('.banner')
    await node!.restart()
    await untilHeight(hive.url, BigInt(before + 6))
    const there = await heightOf(hive.url)
    await untilShown(page, there)
    assert.equal(await page.locator('.banner').count(), 0)
    const links = await page.locator('.honeycomb a').all()
    const paths = await Promise.all(links.map((link) => link.getAttribute('href')))
    const numbers = paths.map((to) => Number(to?.split('/').at(-1)))
    const newest = Math.max(...numbers)
    for (let n = before; n <= newest; n++) assert.ok(numbers.includes(n), `block ${n} is missing`)
    // A refused connection is all that the console may tell of.
    for (const complaint of complaints) assert.match(complaint, /WebSocket|ERR_CONNECTION/)
    await context.close()
  }, 90_000)
})

describe('with the keyboard alone', () => {
  it('goes from the first key to a verified block', async () => {
    const { page, close } = await openPage(hive.browser)
    await visit(page, hive.url)
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate('document.activeElement.className'), 'skip')
    await page.keyboard.press('/')
    await page.keyboard.type('3')
    await page.keyboard.press('Enter')
    await untilTrue(page, "location.pathname === '/block/3'")
    await page.waitForSelector('button.primary:enabled')
    const focused = () => page.evaluate('document.activeElement.textContent')
    for (let i = 0; i < 40 && (await focused()) !== 'Verify here'; i++)
      await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.waitForSelector('[data-verdict]')
    assert.equal(await page.getAttribute('[data-verdict]', 'data-verdict'), 'true')
    assert.equal(await page.locator('.checks [data-state="passed"]').count(), 4)
    await close()
  }, 60_000)
})

hostileTests(() => hive)
sudokuTests(() => hive)
