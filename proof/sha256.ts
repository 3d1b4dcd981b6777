/**
 * SHA-256 of one message. The portable one is the default everywhere; kernels bring the platform's own
 * where it is quicker.
 */
import { sha256 as portable } from '@noble/hashes/sha2.js'

export type Sha256 = (bytes: Uint8Array) => Uint8Array

export const sha256: Sha256 = portable
