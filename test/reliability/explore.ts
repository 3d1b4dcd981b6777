/**
 * Breadth first through every reachable state of a system, until a rule is broken, nothing is left, or
 * the bound is met.
 */
import { kindOf } from './batches.ts'
import { NumberSet } from './numberSet.ts'
import type { Machine, Scenario } from './scenario.ts'
import { createSystem, type Global, type Move, type System, type Watch } from './system.ts'

export type Exploration = {
  /** States that differ in more than names. */
  readonly states: number
  readonly transitions: number
  /** States of a single node, each a real `State` of the machine. */
  readonly locals: number
  readonly depth: number
  /** Whether nothing is left. */
  readonly complete: boolean
  readonly fault: string | null
  /** How the broken rule was reached. */
  readonly trace: readonly string[]
}

export type ExploreOptions = {
  readonly maxStates?: number | undefined
  readonly maxMs?: number | undefined
  readonly watch?: Watch | undefined
}

const radix = 2 ** 17
const moveNames = [
  'propose timeout',
  'proposal',
  'prevotes',
  'prevote timeout',
  'precommit timeout',
  'skip',
  'lost log',
]

export function explore(
  machine: Machine,
  scenario: Scenario,
  options: ExploreOptions = {},
): Exploration {
  const { maxStates = Number.POSITIVE_INFINITY, maxMs = Number.POSITIVE_INFINITY } = options
  const system = createSystem(machine, scenario, options.watch ?? 'all')
  const visited = new NumberSet()
  const queue = new Log()
  const parents = new Log()
  const begun = performance.now()
  let transitions = 0
  let depth = 0
  let levelEnd = 0

  function report(fault: string | null, at: number, complete: boolean): Exploration {
    const locals = system.locals.count()
    const trace = fault === null ? [] : traceTo(system, queue, parents, at)
    return { states: visited.size, transitions, locals, depth, complete, fault, trace }
  }

  /** The place in the queue of a new state that breaks a rule; else null. */
  function enter(global: Global, parent: number): string | null {
    const key = pack(system.canonical(global))
    if (!visited.add(key)) return null
    queue.push(key)
    parents.push(parent)
    return system.fault(unpack(key, system.honest.length))
  }

  for (const global of system.starts()) enter(global, -1)
  levelEnd = queue.length
  for (let at = 0; at < queue.length; at++) {
    if (at === levelEnd) {
      depth++
      levelEnd = queue.length
    }
    const late = at % 1024 === 0 && performance.now() - begun > maxMs
    if (visited.size >= maxStates || late) return report(null, at, false)
    for (const { to } of system.moves(unpack(queue.at(at), system.honest.length))) {
      transitions++
      const fault = enter(to, at)
      if (fault !== null) return report(fault, queue.length - 1, false)
    }
  }
  return report(null, 0, true)
}

/** What led to the state at `at`, node by node; names may be exchanged from one line to the next. */
function traceTo(system: System, queue: Log, parents: Log, at: number): readonly string[] {
  const lines: string[] = []
  for (let child = at; parents.at(child) !== -1; child = parents.at(child)) {
    const from = unpack(queue.at(parents.at(child)), system.honest.length)
    const move = system
      .moves(from)
      .find(({ to }) => pack(system.canonical(to)) === queue.at(child))!
    lines.push(describe(system, from, move))
  }
  return lines.toReversed()
}

function describe(system: System, from: Global, { member, batch, to }: Move): string {
  const place = system.honest.indexOf(member)
  const { state } = system.locals.at(from[place]!)
  const { sent } = system.locals.at(to[place]!)
  return `node ${member}, round ${state.round}: ${moveNames[kindOf(batch)]}, sent ${sent.join('')}`
}

function pack(global: Global): number {
  return global.reduce((key, id) => key * radix + id, 0)
}

function unpack(key: number, length: number): Global {
  const ids = new Array<number>(length)
  let rest = key
  for (let i = length - 1; i >= 0; i--) {
    ids[i] = rest % radix
    rest = Math.floor(rest / radix)
  }
  return ids
}

/** A list of numbers that grows. */
class Log {
  #items = new Float64Array(1024)
  length = 0

  push(item: number): void {
    if (this.length === this.#items.length) {
      const larger = new Float64Array(2 * this.length)
      larger.set(this.#items)
      this.#items = larger
    }
    this.#items[this.length++] = item
  }

  at(index: number): number {
    return this.#items[index]!
  }
}
