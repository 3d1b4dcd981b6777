/**
 * Products through int8 subgroup matrices, where an adapter lists the configuration (Dawn's extension
 * `chromium_experimental_subgroup_matrix`): the WGSL that takes the place of dot products in a tile.
 */

/** `rows×width×inner`, int8 to int32, of subgroups that always have so many threads. */
export type MatrixConfig = {
  readonly rows: number
  readonly width: number
  readonly inner: number
  readonly subgroup: number
  /**
   * What offsets and strides of int8 matrices in words count: versions of the extension differ, and the
   * trial tells.
   */
  readonly unit: 'words' | 'cells'
}

/** Feature of the device, and of WGSL. */
export const matrixFeature = 'chromium-experimental-subgroup-matrix'
const extension = 'chromium_experimental_subgroup_matrix'

/** A tile's configuration, if it divides among its subgroups: 16 × 16 threads, 4 × 4 cells in each. */
const matrixThreads = 256
const matrixTile = 64

/** @param shapes - `rows×width×inner`, as the adapter lists them. */
export function matrixConfigs(
  shapes: readonly string[],
  subgroup: number | null,
): readonly MatrixConfig[] {
  if (subgroup === null) return []
  return shapes.flatMap((shape) => {
    const [rows = 0, width = 0, inner = 0] = shape.split('x').map(Number)
    const fits = matrixTile % rows === 0 && matrixTile % width === 0 && matrixTile % inner === 0
    const fragments = matrixTile ** 2 / (rows * width)
    const subgroups = matrixThreads / subgroup
    if (!fits || inner % 4 !== 0 || fragments % subgroups !== 0) return []
    return (['words', 'cells'] as const).map((unit) => ({ rows, width, inner, subgroup, unit }))
  })
}

export function matrixLabel({ rows, width, inner, unit }: MatrixConfig): string {
  return `${rows}x${width}x${inner}/${unit}`
}

export const matrixHeader: string = `enable subgroups;\nenable ${extension};\n`

/** Module-scope memory: a tile's sums. */
export const matrixSums: string = `var<workgroup> tileSums: array<i32, ${matrixTile ** 2}>;`

const range = (length: number) => Array.from({ length }, (_, i) => i)

/** Declares the sums of a subgroup's fragments, all 0; the fragments of a subgroup lie side by side. */
export function matrixStart(config: MatrixConfig): string {
  const { rows, width } = config
  const across = matrixTile / width
  return fragmentsOf(config)
    .map(
      (i) => `
  let fragment${i} = subgroup * ${fragmentsOf(config).length}u + ${i}u;
  let row${i} = (fragment${i} / ${across}u) * ${rows}u;
  let column${i} = (fragment${i} % ${across}u) * ${width}u;
  var sums${i} = subgroup_matrix_result<i32, ${width}, ${rows}>();`,
    )
    .join('')
}

/**
 * Adds the product of what is staged: rows of `stage` words, along the contraction.
 */
export function matrixStep(config: MatrixConfig, stage: number): string {
  const { rows, width, inner, unit } = config
  const by = unit === 'words' ? 1 : 4
  const left = `subgroup_matrix_left<i8, ${inner}, ${rows}>`
  const right = `subgroup_matrix_right<i8, ${width}, ${inner}>`
  const at = (name: string, i: number) => `${by}u * (${name}${i} * ${stage}u + word)`
  return `
    for (var word = 0u; word < ${stage}u; word += ${inner / 4}u) {${fragmentsOf(config)
      .map(
        (i) => `
      sums${i} = subgroupMatrixMultiplyAccumulate(
        subgroupMatrixLoad<${left}, row_major>(&stagedLeft, ${at('row', i)}, ${by * stage}u),
        subgroupMatrixLoad<${right}, col_major>(&stagedRight, ${at('column', i)}, ${by * stage}u),
        sums${i});`,
      )
      .join('')}
    }`
}

/** Hands the sums to the threads that own the cells: `c`. */
export function matrixEnd(config: MatrixConfig): string {
  return `${fragmentsOf(config)
    .map(
      (i) =>
        `\n  subgroupMatrixStore<row_major>(&tileSums, row${i} * ${matrixTile}u + column${i}, sums${i}, ${matrixTile}u);`,
    )
    .join('')}
  workgroupBarrier();
  for (var i = 0u; i < cells; i++) {
    for (var j = 0u; j < cells; j++) {
      c[i * cells + j] = tileSums[(local.y * cells + i) * tile + local.x * cells + j];
    }
  }`
}

function fragmentsOf({ rows, width, subgroup }: MatrixConfig): readonly number[] {
  return range(matrixTile ** 2 / (rows * width) / (matrixThreads / subgroup))
}
