/**
 * What tests get for `fast-check`: each run draws the same cases, so that a change is judged by what it
 * changes. `WAGGLE_PROPERTIES=N` draws others, `WAGGLE_PROPERTIES=random` others each time; a failure prints its seed.
 */
import fc from '../node_modules/fast-check/lib/fast-check.js'

const asked = process.env.WAGGLE_PROPERTIES ?? '20260601'
if (asked !== 'random') fc.configureGlobal({ seed: Number.parseInt(asked, 10) })

// biome-ignore lint/style/noDefaultExport: it stands for a library's default export
export default fc
