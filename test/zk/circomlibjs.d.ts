/** The part of circomlib's own implementation that tests compare with. */
declare module 'circomlibjs' {
  export function buildPoseidon(): Promise<{
    (inputs: readonly bigint[]): Uint8Array
    readonly F: { readonly toObject: (element: Uint8Array) => bigint }
  }>
}
