/**
 * Loaded before Quint (`node --import`): the build of `antlr4ts` that a fresh install resolves keeps its
 * modules in `dist/` and trips over a cycle through its XPath classes, which Quint does not use.
 */
import { registerHooks } from 'node:module'

const nothing = 'file:///nothing.cjs'

registerHooks({
  resolve: (specifier, context, next) => {
    if (/xpath/i.test(specifier) && /antlr4ts/.test(context.parentURL ?? ''))
      return { url: nothing, format: 'commonjs', shortCircuit: true }
    return next(specifier.replace(/^antlr4ts\/(?!dist\/|package)/, 'antlr4ts/dist/'), context)
  },
  load: (url, context, next) =>
    url === nothing ? { format: 'commonjs', source: '', shortCircuit: true } : next(url, context),
})
