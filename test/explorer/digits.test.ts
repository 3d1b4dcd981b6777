/**
 * Digits drawn by a pointer on the model that the devnet's first job trained. Minutes of training
 * come first, so it is run by hand: `WAGGLE_DIGITS=1 npx vitest run test/explorer/digits.test.ts`.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import chromium from '@sparticuz/chromium'
// biome-ignore lint/correctness/noUnresolvedImports: the package's types name it
import { chromium as engine } from 'playwright-core'
import { describe, it } from 'vitest'
import type { JobWire, PageWire } from '../../client/wire.ts'
import { rpcCall, startDevnet, until } from '../e2e/devnet.ts'
import { openPage, type Page, pictures, visit } from './browser.ts'

/** Corners of strokes in a field of 100 by 100, as somebody would write them. */
const strokes: readonly (readonly (readonly [number, number])[])[] = [
  ring(50, 50, 17, 28),
  [
    [52, 20],
    [50, 50],
    [48, 80],
  ],
  [
    [34, 32],
    [44, 21],
    [58, 22],
    [64, 33],
    [56, 50],
    [42, 66],
    [33, 78],
    [50, 76],
    [70, 78],
  ],
  [
    [34, 24],
    [52, 20],
    [64, 29],
    [60, 42],
    [47, 48],
    [62, 54],
    [66, 67],
    [54, 79],
    [34, 76],
  ],
  [
    [36, 22],
    [33, 50],
    [48, 52],
    [64, 50],
    [65, 24],
    [64, 50],
    [62, 82],
  ],
  [
    [66, 22],
    [42, 22],
    [38, 46],
    [54, 44],
    [66, 56],
    [62, 73],
    [46, 79],
    [34, 74],
  ],
  [
    [60, 20],
    [44, 36],
    [36, 58],
    [40, 76],
    [54, 79],
    [64, 68],
    [58, 56],
    [44, 58],
    [38, 66],
  ],
  [
    [32, 24],
    [50, 24],
    [68, 22],
    [58, 44],
    [50, 62],
    [46, 82],
  ],
  [...ring(50, 34, 13, 13), ...ring(50, 64, 15, 16)],
  [...ring(50, 36, 14, 14), [64, 36], [62, 60], [56, 82]],
]

function ring(x: number, y: number, a: number, b: number): (readonly [number, number])[] {
  return Array.from({ length: 17 }, (_, i) => {
    const angle = (i / 16) * 2 * Math.PI
    return [x + a * Math.sin(angle), y - b * Math.cos(angle)] as const
  })
}

/** Draw `digit` with the mouse; resolves to what the page says it sees. */
async function seen(page: Page, digit: number): Promise<number> {
  await page.click('text=Clear')
  const box = (await page.locator('.pad canvas').boundingBox())!
  const to = ([x, y]: readonly [number, number]) =>
    page.mouse.move(box.x + (x * box.width) / 100, box.y + (y * box.height) / 100)
  const [first, ...rest] = strokes[digit]!
  await to(first!)
  await page.mouse.down()
  for (const corner of rest) await to(corner)
  await page.mouse.up()
  await page.waitForSelector('.guess')
  await page.screenshot({ path: join(pictures, `digit-${digit}.png`) })
  return Number(await page.textContent('.guess'))
}

describe.skipIf(process.env.WAGGLE_DIGITS === undefined)('the first job of a devnet', () => {
  it('knows the digits that are drawn on its page', { timeout: 1_200_000 }, async () => {
    const net = await startDevnet({ validators: 4 })
    const browser = await engine.launch({
      executablePath: await chromium.executablePath(),
      args: ['--no-sandbox'],
    })
    try {
      const url = net.nodes[0]!.rpcUrl
      const job = async () => (await rpcCall<PageWire<JobWire>>(url, 'train_listJobs')).items[0]
      await until('a trained model', 1_000_000, async () => (await job())?.status === 'finished')
      const { page, close } = await openPage(browser)
      await visit(page, `${url}/job/${(await job())!.id}`)
      await page.click('text=Draw a digit')
      await page.waitForSelector('.pad canvas')
      const found: number[] = []
      for (const digit of strokes.keys()) found.push(await seen(page, digit))
      const right = found.filter((guess, digit) => guess === digit).length
      assert.ok(right >= 8, `0 to 9 were taken for ${found.join(', ')}`)
      await close()
    } finally {
      await browser.close()
      await net.stop()
    }
  })
})
