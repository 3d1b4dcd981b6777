/**
 * Every page of the explorer. A new page is one entry here and one file beside it.
 */
import type { FunctionComponent } from 'preact'
import type { IconName } from '../ui/icons.tsx'

/** Parts of the path that the pattern names. */
export type PageProps = { readonly params: Readonly<Record<string, string>> }

export type Page = {
  /** `/job/:id`; a part with a colon takes any text. */
  readonly pattern: string
  /** For the window's title and for the navigation. */
  readonly title: string
  /** Where it stands in the navigation, if it does. */
  readonly nav?: { readonly label: string; readonly icon: IconName }
  /** Fetched when the page is first shown. */
  readonly load: () => Promise<FunctionComponent<PageProps>>
}

export const pages: readonly Page[] = [
  {
    pattern: '/',
    title: 'Now',
    nav: { label: 'Now', icon: 'now' },
    load: async () => (await import('./now.tsx')).NowPage,
  },
  {
    pattern: '/jobs',
    title: 'Jobs',
    nav: { label: 'Jobs', icon: 'jobs' },
    load: async () => (await import('./jobs.tsx')).JobsPage,
  },
  {
    pattern: '/blocks',
    title: 'Blocks',
    nav: { label: 'Blocks', icon: 'blocks' },
    load: async () => (await import('./blocks.tsx')).BlocksPage,
  },
  {
    pattern: '/validators',
    title: 'Validators',
    nav: { label: 'Validators', icon: 'validators' },
    load: async () => (await import('./validators.tsx')).ValidatorsPage,
  },
  {
    pattern: '/data',
    title: 'Data and models',
    nav: { label: 'Data', icon: 'data' },
    load: async () => (await import('./data.tsx')).DataPage,
  },
  {
    pattern: '/job/:id',
    title: 'Job',
    load: async () => (await import('./job.tsx')).JobPage,
  },
  {
    pattern: '/certificate/:job/:range',
    title: 'Certificate',
    load: async () => (await import('./certificate.tsx')).CertificatePage,
  },
  {
    pattern: '/block/:id',
    title: 'Block',
    load: async () => (await import('./block.tsx')).BlockPage,
  },
  {
    pattern: '/transaction/:hash',
    title: 'Transaction',
    load: async () => (await import('./transaction.tsx')).TransactionPage,
  },
  {
    pattern: '/address/:address',
    title: 'Address',
    load: async () => (await import('./address.tsx')).AddressPage,
  },
  {
    pattern: '/dataset/:root',
    title: 'Dataset',
    load: async () => (await import('./dataset.tsx')).DatasetPage,
  },
  {
    pattern: '/sudoku',
    title: 'A private proof',
    load: async () => (await import('./sudoku.tsx')).SudokuPage,
  },
  {
    pattern: '/search/:text',
    title: 'Search',
    load: async () => (await import('./search.tsx')).SearchPage,
  },
]

export type Place = { readonly page: Page; readonly params: PageProps['params'] }

/** The page at `path`; null if there is none. */
export function placeOf(path: string): Place | null {
  for (const page of pages) {
    const params = match(page.pattern, path)
    if (params !== null) return { page, params }
  }
  return null
}

function match(pattern: string, path: string): PageProps['params'] | null {
  const [wanted, got] = [partsOf(pattern), partsOf(path)]
  if (wanted.length !== got.length) return null
  const params: Record<string, string> = {}
  for (const [i, part] of wanted.entries()) {
    if (part.startsWith(':')) params[part.slice(1)] = decoded(got[i]!)
    else if (part !== got[i]) return null
  }
  return params
}

function partsOf(path: string): readonly string[] {
  return path.split('/').filter((part) => part !== '')
}

/** A path that is not well encoded is taken as it is. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
