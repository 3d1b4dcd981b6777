/**
 * Why a foreign chain is not imported: which file, which block, what was expected and what was found.
 */

/** Numbers, hashes and texts that show a difference. */
type Seen = bigint | number | string

export type ImportFault =
  | { readonly code: 'import/genesis'; readonly why: string }
  /** `block` counts the file's blocks from 0; `offset` is in bytes. */
  | {
      readonly code: 'import/encoding'
      readonly block: number
      readonly offset: number
      readonly why: string
    }
  | {
      readonly code: 'import/header' | 'import/body' | 'import/result'
      readonly height: bigint
      readonly field: string
      readonly expected: Seen
      readonly got: Seen
    }
  | {
      readonly code: 'import/transaction'
      readonly height: bigint
      readonly index: number
      readonly why: string
    }
  /** `import/block`: its fields are none of a block's under the rules of its fork. */
  | {
      readonly code: 'import/block' | 'import/execution'
      readonly height: bigint
      readonly why: string
    }

/** The first line of an error, cut to what a terminal shows. */
export function whyOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.split('\n')[0]!.slice(0, 240)
}
