/**
 * The part of the WebAssembly JavaScript interface that is used here; neither the ES library nor Node's
 * types declare it, and the DOM's would bring a browser along.
 *
 * @see https://webassembly.github.io/spec/js-api/
 */
declare namespace WebAssembly {
  type Imports = Readonly<Record<string, Readonly<Record<string, unknown>>>>

  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>)
  }

  class Instance {
    constructor(module: Module, imports?: Imports)
    readonly exports: Readonly<Record<string, unknown>>
  }

  class Memory {
    constructor(limits: {
      readonly initial: number
      readonly maximum?: number
      readonly shared?: boolean
    })
    readonly buffer: ArrayBuffer | SharedArrayBuffer
    /** By so many pages of 64 KiB; returns the former number. */
    grow(pages: number): number
  }
}
