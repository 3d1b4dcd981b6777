/**
 * What a node pushes over WebSocket, through viem's transport.
 */
import { createPublicClient, webSocket } from 'viem'
import { ExitCode, Failure } from './failure.ts'

export type Subscription = {
  /** Rejects if the connection is lost for good; never resolves. */
  readonly lost: Promise<never>
  readonly close: () => void
}

/** Subscribe to one of the node's topics. @throws {Failure} if the node does not take WebSockets. */
export async function subscribe<T>(
  rpcUrl: string,
  topic: readonly unknown[],
  onItem: (item: T) => void,
): Promise<Subscription> {
  const url = rpcUrl.replace(/^http/, 'ws')
  const { transport } = createPublicClient({ transport: webSocket(url, { reconnect: false }) })
  let lose: (error: Failure) => void = () => {}
  const lost = new Promise<never>((_, reject) => {
    lose = reject
  })
  // Whoever closes first need not wait for it.
  lost.catch(() => {})
  try {
    const client = await transport.getRpcClient()
    const { unsubscribe } = await transport.subscribe({
      // viem's types know Ethereum's topics only.
      params: topic as ['newHeads'],
      onData: (data: { readonly result?: unknown }) => onItem(data.result as T),
      onError: (error: unknown) => lose(lostFailure(url, error)),
    })
    return {
      lost,
      close: () => {
        unsubscribe().catch(() => {})
        client.close()
      },
    }
  } catch (error) {
    throw lostFailure(url, error)
  }
}

function lostFailure(url: string, error: unknown): Failure {
  return new Failure(
    {
      what: `no WebSocket connection to ${url}`,
      why: error instanceof Error ? error.message.split('\n')[0]! : 'the node closed it',
      next: 'check that the node runs, and run the command again',
      exitCode: ExitCode.Unavailable,
    },
    error,
  )
}
