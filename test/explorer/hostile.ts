/**
 * Liars and vandals: what a dishonest node or a hostile name may do to the page, which is nothing.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import {
  type BrowserContext,
  evilTitle,
  type Hive,
  openPage,
  overflow,
  type Page,
  untilTrue,
  visit,
} from './browser.ts'

type Call = { readonly id: number; readonly method: string; readonly params: readonly unknown[] }
type Twist = (call: Call, result: unknown) => unknown

/** Change what the node answers, on its WebSocket and over HTTP: the page talks with a liar. */
async function lie(context: BrowserContext, twist: Twist): Promise<void> {
  await context.routeWebSocket(/\/ws$/, (browser) => {
    const node = browser.connectToServer()
    const asked = new Map<number, Call>()
    browser.onMessage((text) => {
      const call = JSON.parse(String(text)) as Call
      asked.set(call.id, call)
      node.send(text)
    })
    node.onMessage((text) => {
      const answer = JSON.parse(String(text)) as { readonly id?: number; readonly result?: unknown }
      const call = answer.id === undefined ? undefined : asked.get(answer.id)
      const result = call === undefined ? answer.result : twist(call, answer.result)
      browser.send(call === undefined ? text : JSON.stringify({ ...answer, result }))
    })
  })
  await context.route(
    (url) => url.pathname === '/',
    async (route) => {
      const request = route.request()
      if (request.method() !== 'POST') return route.fallback()
      const response = await route.fetch()
      const answer = (await response.json()) as { readonly result?: unknown }
      const result = twist(request.postDataJSON() as Call, answer.result)
      return route.fulfill({ response, json: { ...answer, result } })
    },
  )
}

async function verdictOf(page: Page, url: string): Promise<string | null> {
  await visit(page, url)
  await page.locator('button.primary').click()
  await page.waitForSelector('[data-verdict]', { timeout: 60_000 })
  return page.getAttribute('[data-verdict]', 'data-verdict')
}

const refusedCheck = (page: Page) =>
  page.getAttribute('.checks [data-state="refused"]', 'data-check')

/** The last hex digit another one. */
function flip(hex: string): string {
  return hex.slice(0, -1) + (hex.endsWith('0') ? '1' : '0')
}

const toTheEnd = (page: Page) => page.evaluate("document.querySelector('.virtual').scrollTop = 1e9")

const plainBlock = {
  hash: `0x${'11'.repeat(32)}`,
  timestamp: '0x65000000',
  miner: `0x${'22'.repeat(20)}`,
  transactions: [],
  gasUsed: '0x0',
  gasLimit: '0x1c9c380',
  size: '0x200',
}

/** @param hive - known once the tests run. */
export function hostileTests(hive: () => Hive): void {
  describe('verification in the browser', () => {
    it('passes what is true', async () => {
      const { page, close } = await openPage(hive().browser)
      assert.equal(await verdictOf(page, `${hive().url}/certificate/${hive().job}/1`), 'true')
      assert.equal(await page.locator('.checks [data-state="passed"]').count(), 6)
      await close()
    }, 90_000)

    const lies: readonly (readonly [what: string, check: string, twist: Twist])[] = [
      [
        'a proof with one bit changed',
        'work',
        ({ method }, result) => (method === 'train_getSidecar' ? flip(String(result)) : result),
      ],
      [
        'receipts that were never signed',
        'receipt',
        ({ method }, result) =>
          method === 'debug_getRawReceipts' ? (result as readonly string[]).map(flip) : result,
      ],
      [
        'a light block with one bit changed',
        'signatures',
        ({ method }, result) => (method === 'val_getLightBlock' ? flip(String(result)) : result),
      ],
      [
        'state without its proof',
        'state',
        ({ method }, result) =>
          method === 'eth_getProof' ? { ...(result as object), accountProof: [] } : result,
      ],
    ]
    for (const [what, check, twist] of lies)
      it(`refuses ${what}`, async () => {
        const { page, context, close } = await openPage(hive().browser)
        await lie(context, twist)
        assert.equal(await verdictOf(page, `${hive().url}/certificate/${hive().job}/1`), 'false')
        assert.equal(await refusedCheck(page), check)
        await close()
      }, 90_000)

    it('refuses a chain of other validators than the pinned ones', async () => {
      const { page, context, close } = await openPage(hive().browser)
      await context.addInitScript(`localStorage.setItem('waggle.anchor', '0x${'12'.repeat(32)}')`)
      assert.equal(await verdictOf(page, `${hive().url}/block/2`), 'false')
      assert.equal(await refusedCheck(page), 'signatures')
      await close()
    }, 60_000)
  })

  describe('strings from the chain', () => {
    it('are text, whatever they say', async () => {
      const { page, close } = await openPage(hive().browser)
      for (const path of [
        '/data',
        `/dataset/${hive().dataset}`,
        `/search/${encodeURIComponent(evilTitle)}`,
      ]) {
        await visit(page, hive().url + path)
        assert.equal(await page.evaluate('typeof hacked'), 'undefined', path)
        assert.equal(await page.locator('main script, main img').count(), 0, path)
        assert.doesNotMatch(await page.innerText('main'), /\u202e/, path)
      }
      await close()
    }, 30_000)

    it('of ten thousand letters break no page', async () => {
      const { page, context, close } = await openPage(hive().browser, { width: 390 })
      const long = 'W\u202e\u0007'.repeat(10_000 / 3)
      await lie(context, ({ method }, result) => {
        if (method !== 'data_listDatasets') return result
        const list = result as { readonly items: readonly object[]; readonly next: null }
        return { ...list, items: list.items.map((item) => ({ ...item, title: long })) }
      })
      await visit(page, `${hive().url}/data`)
      assert.ok((await overflow(page)) <= 0)
      assert.ok((await page.innerText('main')).length < 4_000)
      await visit(page, `${hive().url}/search/${'W'.repeat(10_000)}`)
      assert.ok((await overflow(page)) <= 0)
      await close()
    }, 30_000)
  })

  describe('long lists', () => {
    it('of 10,000 blocks and 1,000 jobs draw what is in sight', async () => {
      const { page, context, close } = await openPage(hive().browser)
      await lie(context, ({ method, params }, result) => {
        if (method === 'eth_blockNumber') return '0x2710'
        if (method === 'eth_getBlockByNumber' && result === null)
          return { ...plainBlock, number: params[0] }
        if (method !== 'train_listJobs') return result
        const [first] = (result as { readonly items: readonly { readonly id: string }[] }).items
        const id = (i: number) => `0x${i.toString(16).padStart(64, '0')}`
        const items = Array.from({ length: 1_000 }, (_, i) => ({ ...first, id: id(i) }))
        return { items, next: null }
      })
      await visit(page, `${hive().url}/jobs`)
      await untilTrue(page, "document.querySelector('h2')?.textContent === '1,000 jobs'")
      await toTheEnd(page)
      await page.waitForSelector(`a[href="/job/0x${'0'.repeat(64)}"]`)
      assert.ok((await page.locator('.virtual li').count()) < 60)
      await page.click('nav a[href="/blocks"]')
      await untilTrue(page, "document.querySelector('h2')?.textContent === '10,001 blocks'")
      await untilTrue(page, "document.querySelector('.virtual time') !== null")
      await toTheEnd(page)
      await page.waitForSelector('a[href="/block/0"] time')
      assert.ok((await page.locator('.virtual li').count()) < 60)
      await close()
    }, 60_000)
  })
}
