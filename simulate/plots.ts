/**
 * Summaries as people see them: a page with a curve for each scenario, and a table in Markdown.
 */
import type { Summary } from './summary.ts'

const [width, height, margin] = [560, 160, 40]

/** One HTML page that needs nothing else. */
export function reportPage(summaries: readonly Summary[], epochs: number): string {
  const sections = summaries.map(
    (summary) =>
      `<section><h2>${summary.scenario}</h2><p>The adversary ${escaped(summary.about)}.</p>` +
      `<p>${profitText(summary)} over ${epochs} epochs and ${summary.seeds} seeds.</p>${plot(summary, epochs)}</section>`,
  )
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Cheating simulated</title>
<meta name="viewport" content="width=device-width">
<style>body{font:16px system-ui;max-width:40rem;margin:2rem auto;padding:0 1rem}svg{width:100%;height:auto}text{font-size:11px;fill:#555}</style>
<h1>Cheating simulated</h1>
<p>Profit of each adversary less that of an honest actor in its place, in parts of what such an actor turns over.</p>
${sections.join('\n')}
</html>
`
}

/** The mean course of relative profit, zero marked. */
function plot({ scenario, course }: Summary, epochs: number): string {
  const top = Math.max(0, ...course)
  const bottom = Math.min(0, ...course)
  const span = top - bottom || 1
  const x = (i: number) => margin + (i * (width - margin - 8)) / Math.max(1, course.length - 1)
  const y = (value: number) => 8 + ((top - value) * (height - 32)) / span
  const points = course.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`).join(' ')
  const label = (value: number) =>
    `<text x="${margin - 4}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${(100 * value).toFixed(0)} %</text>`
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="relative profit of ${scenario}">
<line x1="${margin}" x2="${width - 8}" y1="${y(0).toFixed(1)}" y2="${y(0).toFixed(1)}" stroke="#999" stroke-dasharray="3"/>
<polyline points="${points}" fill="none" stroke="#b00" stroke-width="2"/>
${[...new Set([top, 0, bottom])].map(label).join('')}
<text x="${width - 8}" y="${height - 4}" text-anchor="end">epoch ${epochs}</text></svg>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

function profitText({ profit: { mean, low, high } }: Summary): string {
  const percent = (part: number) => `${(100 * part).toFixed(1)} %`
  return `${percent(mean)}, 95 % interval ${percent(low)} to ${percent(high)}`
}

/** Rows of a Markdown table. */
export function reportTable(summaries: readonly Summary[]): string {
  const rows = summaries.map((summary) => {
    const percent = (part: number) => `${(100 * part).toFixed(1)} %`
    const { mean, low, high } = summary.profit
    const cells = [
      `\`${summary.scenario}\``,
      percent(mean),
      `${percent(low)} to ${percent(high)}`,
      `${summary.ahead} of ${summary.seeds}`,
      summary.about,
    ]
    return `| ${cells.join(' | ')} |`
  })
  const head = '| scenario | relative profit | 95 % interval | seeds ahead | the adversary … |'
  return `${[head, '|---|---|---|---|---|', ...rows].join('\n')}\n`
}
