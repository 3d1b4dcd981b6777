/**
 * The leaves of the fraction tree, made from integers whenever they are needed, and the nodes of the
 * lower levels with them. Of lookups that count 1 each, denominators are enough: see `unitLeaves.ts`.
 */
import {
  at,
  degree,
  type Element,
  type Elements,
  element,
  join,
  minus,
  plus,
  scaled,
  times,
} from './extension.ts'
import { combineBox, emptyStrip, even } from './fractionTree.ts'
import type { AwayVector, Kernels, Lookups, UnitCells } from './kernels.ts'
import { type Group, type Piece, stripAt } from './segmentGroups.ts'

export class LeafSource {
  readonly #lookups: (piece: Piece) => Lookups
  readonly #alpha: Element
  readonly #powers: Elements

  /** @param powers - of β, from 0 on. */
  constructor(lookups: (piece: Piece) => Lookups, alpha: Element, powers: Elements) {
    this.#lookups = lookups
    this.#alpha = alpha
    this.#powers = powers
  }

  /** `shift + scale·denominator` of all leaves of some members: even ones, then odd ones. */
  units(
    kernels: Kernels,
    group: Group,
    from: number,
    to: number,
    scale: Element,
    shift: Element,
  ): Elements {
    const { rows, cols, members } = group
    const each = (degree * rows * cols) / 2
    const values = kernels.room(2 * each * (to - from))
    for (let i = from; i < to; i++) {
      const { parts, constants } = this.#unitCells(members[i]!, scale, shift)
      const start = each * (i - from)
      const evens = values.subarray(start, start + each)
      const odds = values.subarray(start + each * (to - from), start + each * (to - from + 1))
      kernels.fillUnits(evens, odds, parts, constants)
    }
    return values
  }

  /** The same of all members, on another device; `null`: they are to be made here. */
  unitsElsewhere(
    { unitsElsewhere }: Pick<Kernels, 'unitsElsewhere'>,
    { rows, cols, members }: Group,
    scale: Element,
    shift: Element,
  ): AwayVector | null {
    return unitsElsewhere(members.length, rows * cols, (i) =>
      this.#unitCells(members[i]!, scale, shift),
    )
  }

  #unitCells(member: Piece, scale: Element, shift: Element): UnitCells {
    const constants = join([
      plus(shift, times(scale, this.#base(member))),
      ...[0, 1, 2].map((k) => times(scale, at(this.#powers, k))),
    ])
    return { parts: this.#lookups(member).parts, constants }
  }

  /** The group's records of a level; of units from level 1 on. */
  nodes(kernels: Kernels, group: Group, level: number): Elements {
    const nodes = emptyStrip(kernels, stripAt(group, level))
    kernels.scope(() => {
      if (level === 0) this.#fill(kernels, nodes, group)
      else if (level === 1 && group.unit) this.#combineUnits(kernels, nodes, group)
      else combineBox(kernels, nodes, this.nodes(kernels, group, level - 1), group, level - 1)
    })
    return nodes
  }

  #base({ table }: Piece): Element {
    return minus(this.#alpha, scaled(at(this.#powers, 3), table.tag))
  }

  #fill(kernels: Kernels, nodes: Elements, { members, rows, cols }: Group): void {
    const size = nodes.length / members.length
    for (const [i, piece] of members.entries()) {
      const own = nodes.subarray(size * i, size * (i + 1))
      const lookups = this.#lookups(piece)
      kernels.fillLeaves(own, rows, cols, lookups, this.#base(piece), this.#powers)
    }
  }

  #combineUnits(kernels: Kernels, nodes: Elements, group: Group): void {
    const { lines, length } = stripAt(group, 1)
    const linesEach = lines / group.members.length
    const size = 2 * degree * linesEach * even(length)
    for (const i of group.members.keys())
      kernels.scope(() => {
        const values = this.units(kernels, group, i, i + 1, element(1), element(0))
        const half = values.length / 2
        kernels.combinePairs(
          nodes.subarray(size * i, size * (i + 1)),
          values.subarray(0, half),
          values.subarray(half),
          linesEach,
          length,
        )
      })
  }
}
