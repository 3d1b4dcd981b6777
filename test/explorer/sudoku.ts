/**
 * A puzzle played in the browser, proven there, and judged by the chain.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { type Grid, parseGrid } from '../../zk/sudoku.ts'
import { solve } from '../../zk/sudokuGame.ts'
import {
  type Hive,
  openPage,
  overflow,
  type Page,
  pictures,
  seriousFindings,
  visit,
} from './browser.ts'

const verdict = '[data-verdict]'

async function gridOf(page: Page): Promise<Grid> {
  const digits = await page.evaluate(
    "[...document.querySelectorAll('.sudoku input')].map((cell) => cell.value || '.').join('')",
  )
  const grid = parseGrid(String(digits))
  assert.ok(grid.ok)
  return grid.value
}

/** The page's verdict once it says one. */
async function nextVerdict(page: Page): Promise<string | null> {
  await page.waitForSelector(verdict, { timeout: 60_000 })
  return page.getAttribute(verdict, 'data-verdict')
}

/** @param hive - known once the tests run. */
export function sudokuTests(hive: () => Pick<Hive, 'browser' | 'url'>): void {
  describe('a private proof', () => {
    it('is made of a puzzle solved with the keyboard, and verified by the chain', async () => {
      const { page, close } = await openPage(hive().browser)
      const asked: string[] = []
      page.on('request', (request) => asked.push(request.url()))
      await visit(page, `${hive().url}/sudoku`)
      assert.ok(
        asked.every((url) => !/zkey|sudoku.*\.wasm/.test(url)),
        'fetched before it is wanted',
      )
      assert.equal(await page.locator('button.primary').isDisabled(), true)

      const solution = solve(await gridOf(page))
      assert.ok(solution !== null)
      await page.locator('.sudoku input').first().focus()
      for (const digit of solution) {
        await page.keyboard.press(String(digit))
        await page.keyboard.press('ArrowRight')
      }
      assert.deepEqual(await gridOf(page), solution)
      await page.locator('button.primary').click()
      assert.equal(await nextVerdict(page), 'true')
      assert.deepEqual(await seriousFindings(page), [])
      await page.screenshot({ path: join(pictures, 'sudoku-1280.png'), fullPage: true })

      await page.getByRole('button', { name: 'Ask about another puzzle' }).click()
      await page.waitForSelector('[data-verdict="false"]')
      assert.match(await page.locator(verdict).innerText(), /zk\/wrongProof/)
      await close()
    }, 120_000)

    it('shows what cannot be right, and asks for no proof of it', async () => {
      const { page, close } = await openPage(hive().browser, { width: 390, dark: true })
      await visit(page, `${hive().url}/sudoku`)
      const puzzle = await gridOf(page)
      const empty = puzzle.indexOf(0)
      const inRow = puzzle.slice(9 * Math.floor(empty / 9)).find((digit) => digit !== 0)!
      await page.locator('.sudoku input').nth(empty).press(String(inRow))
      assert.ok((await page.locator('[aria-invalid="true"]').count()) >= 1)
      await page.getByRole('button', { name: 'Solve it for me' }).click()
      assert.equal(await page.locator('[aria-invalid="true"]').count(), 0)
      assert.equal(await page.locator('button.primary').isDisabled(), false)
      assert.ok((await overflow(page)) <= 0)
      assert.deepEqual(await seriousFindings(page), [])
      await page.screenshot({ path: join(pictures, 'sudoku-390.png'), fullPage: true })
      await page.getByRole('button', { name: 'Clear' }).click()
      assert.deepEqual(await gridOf(page), puzzle)
      await close()
    }, 60_000)
  })
}
