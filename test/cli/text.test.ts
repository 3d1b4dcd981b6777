import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { bytesText, coinsText, durationText, macsText, percentText } from '../../cli/format.ts'
import { paint, widthOf } from '../../cli/io.ts'
import { startProgress } from '../../cli/progress.ts'
import { failureText, jsonText } from '../../cli/report.ts'
import { fields, shorten, table } from '../../cli/table.ts'

const plain = { colours: false, columns: Number.POSITIVE_INFINITY }

describe('numbers for people', () => {
  it('keeps every digit of money', () => {
    assert.equal(coinsText(0n), '0 coins')
    assert.equal(coinsText(1n), '0.000000000000000001 coins')
    assert.equal(coinsText(1_234_567_500_000_000_000_000_000n), '1,234,567.5 coins')
  })

  it('scales bytes, work and time', () => {
    assert.equal(bytesText(999), '999 B')
    assert.equal(bytesText(47_160_020), '47.2 MB')
    assert.equal(macsText(3_272_704n), '3.27 MMAC')
    assert.equal(durationText(850), '850 ms')
    assert.equal(durationText(59_600), '1 min 0 s')
    assert.equal(durationText(7_500_000), '2 h 5 min')
    assert.equal(percentText(1, 3), '33.3 %')
    assert.equal(percentText(0, 0), '0.0 %')
  })

  it('spells amounts as decimal text in JSON', () => {
    assert.equal(jsonText({ wei: 10n ** 24n }), '{"wei":"1000000000000000000000000"}')
  })
})

describe('a table', () => {
  const headers = ['validator', 'power', 'state']
  const rows = [
    [`0x${'ab'.repeat(20)}`, '25.0 %', 'active'],
    [`0x${'cd'.repeat(20)}`, '5.5 %', 'jailed'],
  ]

  it('aligns numbers right and everything else left', () => {
    const lines = table(plain, headers, rows).split('\n')
    assert.equal(lines[1], `0x${'ab'.repeat(20)}  25.0 %  active`)
    assert.equal(lines[2], `0x${'cd'.repeat(20)}   5.5 %  jailed`)
  })

  it('fits any terminal that can hold it, by shortening what is widest', () => {
    for (const columns of [80, 60, 40, 30]) {
      const text = table({ colours: false, columns }, headers, rows)
      for (const line of text.split('\n'))
        assert.ok(widthOf(line) <= columns, `${columns}: ${line}`)
    }
    assert.match(table({ colours: false, columns: 40 }, headers, rows), /0xab.*….*ab/)
  })

  it('takes the same place with colours as without', () => {
    const coloured = table({ colours: true, columns: 50 }, headers, [
      [rows[0]![0]!, rows[0]![1]!, paint({ colours: true }, 'green', 'active')],
    ])
    assert.ok(coloured.includes('\u001b['))
    assert.deepEqual(coloured.split('\n').map(widthOf)[1], 50)
  })

  it('shortens in the middle, because the ends tell a hash', () => {
    assert.equal(shorten('0x0123456789', 7), '0x0…789')
    assert.equal(shorten('short', 7), 'short')
  })

  it('has a form with one value a line', () => {
    assert.equal(
      fields(plain, [
        ['a', '1'],
        ['long', '2'],
      ]),
      'a     1\nlong  2\n',
    )
  })
})

describe('progress', () => {
  function run(isTerminal: boolean, stepMs: number): string {
    let now = 0
    let text = ''
    const clock = { now: () => now, after: () => () => {} }
    const err = (part: string) => {
      text += part
    }
    const progress = startProgress(
      { err, isTerminal, clock, colours: false },
      { label: 'upload', total: 10_000_000, unit: 'bytes' },
    )
    for (let done = 1_000_000; done <= 10_000_000; done += 1_000_000) {
      now += stepMs
      progress.update(done)
    }
    progress.end()
    return text
  }

  it('is a bar with rate and time left on a terminal', () => {
    const text = run(true, 1_000)
    assert.match(text, /\rupload █+░+ 3 MB of 10 MB, 1 MB\/s, 7 s left/)
    assert.ok(text.endsWith('\n'))
  })

  it('is a line now and then elsewhere', () => {
    const lines = run(false, 1_000).trim().split('\n')
    assert.equal(lines.length, 5)
    assert.ok(
      lines.every((line) => /^upload: .* MB of 10 MB/.test(line)),
      lines.join('\n'),
    )
  })

  it('says nothing elsewhere of what was quick', () => {
    assert.equal(run(false, 10), '')
  })
})

describe('a failure', () => {
  it('says what happened, why, and what to do', () => {
    const report = { what: 'it broke', why: 'too old', next: 'buy another' }
    assert.equal(
      failureText(plain, report),
      'error: it broke\n  why:  too old\n  next: buy another\n',
    )
  })
})
