/**
 * The node that served this page.
 */
import { useEffect, useState } from 'preact/hooks'
import { openSocket, type Socket } from './socket.ts'
import { useStore } from './store.ts'

const socketUrl = new URL('/ws', location.href)
socketUrl.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:'

export const node: Socket = openSocket(socketUrl.href)

export type Query<T> = {
  /** The newest answer; what was there before stays while a newer one is fetched. */
  readonly data: T | null
  readonly error: string | null
}

/** What `load` answers, asked again when `deps` change or the connection is a new one. */
export function useQuery<T>(load: () => Promise<T>, deps: readonly unknown[]): Query<T> {
  const session = useStore(node.session)
  const [query, setQuery] = useState<Query<T>>({ data: null, error: null })
  useEffect(() => {
    let isWanted = true
    load().then(
      (data) => {
        if (isWanted) setQuery({ data, error: null })
      },
      (error: unknown) => {
        const text = error instanceof Error ? error.message : String(error)
        if (isWanted) setQuery(({ data }) => ({ data, error: text }))
      },
    )
    return () => {
      isWanted = false
    }
  }, [session, ...deps])
  return query
}
