import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { checkHello, encodeHello, type Hello, maxHelloBytes } from '../../network/hello.ts'
import type { Address } from '../../primitives/address.ts'
import { toHex } from '../../primitives/bytes.ts'
import { hashOf } from '../../primitives/hash.ts'
import { faultOf, value } from './testHost.ts'

const hello: Hello = {
  protocolVersion: 1,
  chainId: 7,
  genesisHash: hashOf('test/genesis'),
  rulesHash: hashOf('test/rules'),
  height: 12n,
  validator: `0x${'ab'.repeat(20)}` as Address,
  listen: ['/ip4/127.0.0.1/tcp/9000'],
}

const rulesHashAt = () => hello.rulesHash

describe('hello', () => {
  it('is read as it was said', () => {
    assert.deepEqual(value(checkHello(hello, rulesHashAt, encodeHello(hello))), hello)
    const plain = { ...hello, validator: null, listen: [] }
    assert.deepEqual(value(checkHello(hello, rulesHashAt, encodeHello(plain))), plain)
  })

  it('has one encoding', () => {
    const short = { ...hello, genesisHash: hashOf('a'), rulesHash: hashOf('b'), listen: ['/x'] }
    assert.equal(
      toHex(encodeHello(short)),
      `0x00000001${'0'.repeat(15)}7${hashOf('a').slice(2)}${hashOf('b').slice(2)}` +
        `${'0'.repeat(15)}c00000014${'ab'.repeat(20)}00000001000000022f78`,
    )
  })

  it('says which rule differs, the version first', () => {
    const check = (change: Partial<Hello>) =>
      checkHello(hello, rulesHashAt, encodeHello({ ...hello, ...change }))
    assert.deepEqual(check({ protocolVersion: 2, chainId: 8 }), {
      ok: false,
      fault: { code: 'hello/version', expected: 1, got: 2 },
    })
    assert.deepEqual(check({ chainId: 8, genesisHash: hashOf('other') }), {
      ok: false,
      fault: { code: 'hello/chainId', expected: 7, got: 8 },
    })
    assert.equal(faultOf(check({ genesisHash: hashOf('other') })), 'hello/genesis')
    assert.equal(faultOf(check({ rulesHash: hashOf('other') })), 'hello/rules')
  })

  it('tells rules apart as of the height of who says it', () => {
    const [before, after] = [hashOf('test/rules'), hashOf('test/rules 2')]
    const changing = (height: bigint) => (height < 10n ? before : after)
    const heard = (
      height: bigint,
      rulesHash: typeof before,
      at: (height: bigint) => typeof before,
    ) => checkHello(hello, at, encodeHello({ ...hello, height, rulesHash })).ok
    assert.ok(heard(9n, before, changing), 'who lags is heard, whatever our height')
    assert.ok(heard(12n, after, changing))
    assert.ok(!heard(12n, before, changing), 'it has gone on by the old rules')
    assert.ok(!heard(12n, after, () => before), 'we do not know its rules')
  })

  it('of another version is refused for its version, whatever follows', () => {
    assert.equal(
      faultOf(checkHello(hello, rulesHashAt, Uint8Array.of(0, 0, 0, 9, 1, 2, 3))),
      'hello/version',
    )
  })

  it('stays short however many addresses a node has', () => {
    const listen = Array.from(
      { length: 50 },
      (_, i) => `/ip4/10.0.0.${i}/tcp/1${'0'.repeat(i * 8)}`,
    )
    const said = encodeHello({ ...hello, listen })
    assert.ok(said.length <= maxHelloBytes)
    assert.deepEqual(value(checkHello(hello, rulesHashAt, said)).listen, listen.slice(0, 8))
  })

  it('gives a verdict on any bytes', () => {
    const start = encodeHello(hello).subarray(0, 84)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.boolean(), (bytes, plausible) => {
        const said = plausible ? Uint8Array.from([...start, ...bytes]) : bytes
        const verdict = checkHello(hello, rulesHashAt, said)
        if (verdict.ok) assert.deepEqual(encodeHello(verdict.value), said)
      }),
    )
    const control = encodeHello({ ...hello, listen: ['/ip4/\u0007'] })
    assert.equal(faultOf(checkHello(hello, rulesHashAt, control)), 'codec/value')
  })
})
