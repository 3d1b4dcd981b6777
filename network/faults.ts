/**
 * What the network may refuse with: each names the peer that it concerns.
 */
import type { CodecFault } from '../primitives/codec.ts'
import type { HelloFault } from './hello.ts'
import type { PeerId } from './peer.ts'

/** Why a message was not queued; it is dropped. */
export type SendFault =
  | { readonly code: 'network/notConnected'; readonly peer: PeerId }
  | {
      readonly code: 'network/tooLarge'
      readonly topic: string
      readonly max: number
      readonly got: number
    }
  | {
      readonly code: 'network/queueFull'
      readonly peer: PeerId
      readonly topic: string
      readonly queued: number
      readonly bytes: number
    }

/** Why a request has no answer. */
export type RequestFault =
  | SendFault
  | {
      readonly code: 'network/timeout'
      readonly peer: PeerId
      readonly topic: string
      readonly timeoutMs: number
    }
  /** The peer has nothing to give, or is too busy to look. */
  | { readonly code: 'network/refused'; readonly peer: PeerId; readonly topic: string }
  /** Too many requests to this peer are under way already. */
  | { readonly code: 'network/busy'; readonly peer: PeerId; readonly limit: number }
  | {
      readonly code: 'network/closed'
      readonly peer: PeerId
      readonly topic: string
      readonly why: string
    }
  | FrameFault

/** What is wrong with the bytes of a stream. */
export type FrameFault =
  | { readonly code: 'frame/size'; readonly max: number; readonly got: number }
  | { readonly code: 'frame/torn'; readonly wanted: number; readonly got: number }

/** What a peer did wrong, as told to `report`. */
export type PeerFault =
  | { readonly code: 'peer/banned'; readonly peer: PeerId; readonly why: string }
  | {
      readonly code: 'peer/misbehaved'
      readonly peer: PeerId
      readonly why: string
      readonly score: number
    }
  /** It did not read for so long that its queue was given up. */
  | {
      readonly code: 'peer/stalled'
      readonly peer: PeerId
      readonly topic: string
      readonly stalledMs: number
    }
  | {
      readonly code: 'peer/hello'
      readonly peer: PeerId
      readonly fault: HelloFault | CodecFault | FrameFault
    }

export type NetworkFault = SendFault | RequestFault | FrameFault | PeerFault
