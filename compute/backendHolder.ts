/**
 * The backend of a worker that must not fail with its device: a GPU that is lost, or out of memory,
 * costs the work under way, which is then done again on the processor.
 */
import type { Backend, BackendChoice } from './backend.ts'
import { type OpenedBackend, openBackend } from './selfTest.ts'

export type BackendHolder = {
  /** Runs `work` on the backend; again from its start if the device failed under it. */
  readonly use: <T>(work: (backend: Backend) => Promise<T>) => Promise<T>
}

/** Opens on first use. @param warn - told once for each backend left behind. */
export function holdBackend(
  choice: BackendChoice,
  threads: number,
  warn: (text: string) => void,
  open: (choice: BackendChoice, threads: number) => Promise<OpenedBackend> = openBackend,
): BackendHolder {
  let held: Promise<Backend> | null = null

  async function opened(wanted: BackendChoice): Promise<Backend> {
    const { backend, warning } = await open(wanted, threads)
    if (warning !== null) warn(warning)
    return backend
  }

  return {
    async use(work) {
      held ??= opened(choice)
      const backend = await held
      try {
        return await work(backend)
      } catch (error) {
        if (!onDevice(backend)) throw error
        if ((await held) === backend) {
          warn(`the ${backend.name} backend failed: ${reasonOf(error)}; training continues on wasm`)
          held = opened('wasm')
          // The device is gone or full: what closing it says no longer matters.
          await backend.close().catch(() => {})
        }
        return work(await held)
      }
    },
  }
}

function onDevice({ name }: Backend): boolean {
  return name === 'webgpu' || name === 'gpujs'
}

/** A device that is gone refuses without a word; others tell it line by line, the cause first. */
function reasonOf(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).split('\n')[0]!
  return text === '' ? 'its device no longer answers' : text
}
