/**
 * The compiled kernels of the verifier, which the node serves beside the pages.
 */
import { openPortableVerifier, type PortableVerifier } from '../../../proof/portable.ts'

/** Null: everything runs all the same, slower. */
export async function fetchKernels(): Promise<Uint8Array<ArrayBuffer> | null> {
  const url = new URL('../../../dist/wasm/proof.wasm', import.meta.url)
  const response = await fetch(url).catch(() => null)
  return response?.ok === true ? new Uint8Array(await response.arrayBuffer()) : null
}

let opened: Promise<PortableVerifier> | null = null

/** The verifier on this thread; opened once. */
export function verifierHere(): Promise<PortableVerifier> {
  opened ??= fetchKernels().then(openPortableVerifier)
  return opened
}
