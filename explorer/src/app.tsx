/**
 * The frame around every page: where one is, where one can go, and whether the node is there.
 */
import type { FunctionComponent, VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { countText } from './format.ts'
import { head } from './net/live.ts'
import { node } from './net/node.ts'
import { useStore } from './net/store.ts'
import { type Page, type PageProps, pages, placeOf } from './pages/registry.ts'
import { goTo, path } from './router.ts'
import { switchTheme, theme } from './theme.ts'
import { Icon } from './ui/icons.tsx'
import { Empty } from './ui/parts.tsx'

export function App(): VNode {
  const at = useStore(path)
  const place = placeOf(at)
  return (
    <>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <Top page={place?.page ?? null} />
      <main id="content" tabIndex={-1}>
        {place === null ? (
          <Empty>There is no page here.</Empty>
        ) : (
          <PageView key={at} page={place.page} params={place.params} />
        )}
      </main>
      <Foot />
    </>
  )
}

function Top({ page }: { readonly page: Page | null }): VNode {
  const status = useStore(node.status)
  return (
    <>
      <header class="top">
        <div class="top-inner">
          <a class="brand" href="/" aria-label="Waggle, start">
            <img src="/icon.svg" alt="" width="28" height="28" />
            Waggle
          </a>
          <nav class="nav" aria-label="Pages">
            {pages
              .filter(({ nav }) => nav !== undefined)
              .map((one) => (
                <a
                  key={one.pattern}
                  href={one.pattern}
                  aria-current={one === page ? 'page' : undefined}
                >
                  <span class="nav-icon">
                    <Icon name={one.nav!.icon} />
                  </span>
                  {one.nav!.label}
                </a>
              ))}
          </nav>
          <Search />
          <Pulse />
          <ThemeButton />
        </div>
      </header>
      {status === 'lost' && (
        <p class="banner" role="status">
          The node does not answer. Trying again; what you see may be old.
        </p>
      )}
    </>
  )
}

function Search(): VNode {
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      const isTyping = (event.target as Element).matches('input, textarea, select')
      if (event.key !== '/' || isTyping) return
      event.preventDefault()
      field.current?.focus()
    }
    addEventListener('keydown', focus)
    return () => removeEventListener('keydown', focus)
  }, [])
  return (
    <search class="search">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          const text = field.current!.value.trim()
          if (text !== '') goTo(`/search/${encodeURIComponent(text.slice(0, 200))}`)
        }}
      >
        <Icon name="search" />
        <input
          ref={field}
          type="search"
          aria-label="Search blocks, transactions, addresses, jobs and datasets"
          placeholder="Block, hash, address, title  ( / )"
          autocomplete="off"
          spellcheck={false}
        />
      </form>
    </search>
  )
}

function Pulse(): VNode {
  const status = useStore(node.status)
  const height = useStore(head)
  const text = { open: 'live', connecting: 'connecting', lost: 'reconnecting' }[status]
  return (
    <span class="pulse" data-state={status} data-height={height}>
      {status === 'open' && height >= 0 ? countText(height) : text}
      <span class="unseen">{status === 'open' ? 'blocks; connected' : ''}</span>
    </span>
  )
}

function ThemeButton(): VNode {
  const mode = useStore(theme)
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={mode === 'dark' ? 'Light colours' : 'Dark colours'}
      onClick={switchTheme}
    >
      <Icon name={mode === 'dark' ? 'sun' : 'moon'} />
    </button>
  )
}

function PageView({
  page,
  params,
}: {
  readonly page: Page
  readonly params: PageProps['params']
}): VNode {
  const [View, setView] = useState<FunctionComponent<PageProps> | null>(null)
  const [failed, setFailed] = useState(false)
  useEffect(() => {
    document.title = page.pattern === '/' ? 'Waggle' : `${page.title} · Waggle`
    let isWanted = true
    page.load().then(
      (loaded) => {
        if (isWanted) setView(() => loaded)
      },
      () => {
        if (isWanted) setFailed(true)
      },
    )
    return () => {
      isWanted = false
    }
  }, [page])
  if (failed)
    return (
      <p class="trouble" role="alert">
        This page could not be fetched. Reload when the node answers again.
      </p>
    )
  return View === null ? (
    <div class="loading" role="status" aria-label="loading" />
  ) : (
    <View params={params} />
  )
}

function Foot(): VNode {
  return (
    <footer class="foot">
      <span>A chain whose validators earn blocks by training models, with proofs.</span>
      <a href="/sudoku">A private proof</a>
      <a href="/health">Node health</a>
      <a href="/metrics">Metrics</a>
    </footer>
  )
}
