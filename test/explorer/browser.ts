/**
 * A browser on the explorer of a development network that trains, and what tests ask of every page.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import chromium from '@sparticuz/chromium'
// biome-ignore lint/correctness/noUnresolvedImports: the package's types name it
import { chromium as engine } from 'playwright-core'
import { jsonOf, waggle } from '../cli/support.ts'
import { rpcCall, startDevnet, type TestDevnet, until } from '../e2e/devnet.ts'

type Browser = Awaited<ReturnType<typeof engine.launch>>
export type BrowserContext = Awaited<ReturnType<Browser['newContext']>>
export type Page = Awaited<ReturnType<BrowserContext['newPage']>>

const root = join(import.meta.dirname, '../..')
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Pictures of every page; not kept by git. */
export const pictures: string = join(root, '.vitest/explorer')

/** Markup, and a mark that would turn the rest of the line around. */
export const evilTitle = '<script>hacked=1</script>\u202e<img src=x onerror=hacked=1>'

export type Hive = {
  readonly net: TestDevnet
  readonly url: string
  readonly browser: Browser
  /** A job that trains all the while, and has a certificate. */
  readonly job: string
  readonly dataset: string
  readonly stop: () => Promise<void>
}

/** Four validators, a dataset with a hostile title, and a job on it. */
export async function openHive(): Promise<Hive> {
  // Quick where the pages are of these sources already.
  await promisify(execFile)(process.execPath, [join(root, 'scripts/prepare.mjs')])
  await mkdir(pictures, { recursive: true })
  const home = await mkdtemp(join(tmpdir(), 'waggle-explorer-'))
  const net = await startDevnet({ validators: 4, genesis: { firstJob: false } })
  const url = net.nodes[0]!.rpcUrl
  const browser = await engine.launch({
    executablePath: await chromium.executablePath(),
    args: ['--no-sandbox', '--font-render-hinting=none'],
    headless: true,
  })
  const stop = async () => {
    await browser.close()
    await net.stop()
    await rm(home, { recursive: true, force: true })
  }
  try {
    const rows = join(home, 'rows.csv')
    await writeFile(rows, clouds(150))
    const run = async (...argv: readonly string[]) =>
      jsonOf(await waggle([...argv, '--rpc', url, '--json']))
    const added = await run(
      'dataset',
      'add',
      rows,
      '--labels',
      'kind',
      '--title',
      evilTitle,
      '--devnet-account',
      '0',
    )
    const dataset = String(added.root)
    const shape = ['--layers', '3,12,3', '--batch', '16', '--steps', '1280', '--lease-steps', '10']
    const source = ['--rows', rows, '--labels', 'kind', '--devnet-account', '1', '--yes']
    const job = String((await run('job', 'open', '--dataset', dataset, ...shape, ...source)).job)
    await until('two certificates', 200_000, async () => {
      const found = await rpcCall<object | null>(url, 'train_getCertificate', job, '0x1')
      return found !== null
    })
    return { net, url, browser, job, dataset, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Three clouds of points, far apart; one label in seven is wrong. */
function clouds(rows: number): string {
  const lines = Array.from({ length: rows }, (_, i) => {
    const at = (column: number) => ((column === i % 3 ? 8 : 1) + ((i * 37) % 11) / 10).toFixed(1)
    return [at(0), at(1), at(2), ['red', 'green', 'blue'][(i + (i % 7 === 0 ? 1 : 0)) % 3]].join()
  })
  return ['a,b,c,kind', ...lines].join('\n')
}

export type Watched = {
  readonly page: Page
  readonly context: BrowserContext
  /** What the console complained about, and errors that nobody caught. */
  readonly complaints: string[]
  /** Ends the page; fails if there were complaints. */
  readonly close: () => Promise<void>
}

/** A page whose console is watched. */
export async function openPage(
  browser: Browser,
  { width = 1_280, dark = false }: { readonly width?: number; readonly dark?: boolean } = {},
): Promise<Watched> {
  const context = await browser.newContext({
    viewport: { width, height: 850 },
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
    locale: 'en-US',
  })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`)
    dialog.dismiss().catch(() => {})
  })
  return {
    page,
    context,
    complaints,
    close: async () => {
      await context.close()
      assert.deepEqual(complaints, [])
    },
  }
}

/**
 * Resolves once `expression` holds in the page. Evaluated from outside: the page's content policy lets
 * no text be run inside.
 */
export async function untilTrue(page: Page, expression: string): Promise<void> {
  await until(expression, 30_000, async () => (await page.evaluate(expression)) === true)
}

/** Go to `path` and wait until the page shows what it was asked for. */
export async function visit(page: Page, url: string): Promise<void> {
  await page.goto(url)
  await page.waitForSelector('main h1')
  await untilTrue(page, "document.querySelector('main .loading') === null")
}

type Finding = {
  readonly id: string
  readonly impact: string | null
  readonly nodes: readonly { readonly html: string }[]
}

/** Accessibility findings that keep somebody out. */
export async function seriousFindings(page: Page): Promise<readonly string[]> {
  // `evaluate` runs it past the page's content policy, which lets no other script in.
  await page.evaluate(axe)
  const { violations } = (await page.evaluate(
    '(async () => { const { violations } = await axe.run(document); return { violations } })()',
  )) as { readonly violations: readonly Finding[] }
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 160)}`)
}

/** Pixels by which the page is wider than its window. */
export async function overflow(page: Page): Promise<number> {
  return Number(await page.evaluate('document.documentElement.scrollWidth - innerWidth'))
}
