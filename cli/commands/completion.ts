/**
 * `waggle completion`: a script that completes commands and options in a shell.
 */
import { Argument, type Command } from 'commander'
import type { Io } from '../io.ts'

const shells = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof shells)[number]

const examples = `
Examples:
  $ waggle completion zsh > "\${fpath[1]}/_waggle"
  $ source <(waggle completion bash)               # this shell; in ~/.bashrc: every shell
  $ waggle completion fish > ~/.config/fish/completions/waggle.fish`

export function addCompletion(program: Command, io: Io): void {
  program
    .command('completion')
    .description('print a script that completes commands and options')
    .addArgument(new Argument('<shell>').choices([...shells]))
    .addHelpText('after', examples)
    .action((shell: Shell) => io.out(scriptOf[shell](nodesOf(program, ''))))
}

/** A command, and what may follow it. */
type Node = {
  /** Words after `waggle`, joined by blanks. */
  readonly path: string
  readonly words: readonly { readonly word: string; readonly about: string }[]
}

function nodesOf(command: Command, path: string): readonly Node[] {
  const children = command.commands.map((child) => ({
    word: child.name(),
    about: child.description().split('\n')[0]!,
  }))
  const options = command.options
    .filter(({ hidden, long }) => !hidden && long !== undefined)
    .map(({ long, description }) => ({ word: long!, about: description }))
  const here = { path, words: [...children, ...options, { word: '--help', about: 'print help' }] }
  return [
    here,
    ...command.commands.flatMap((child) => nodesOf(child, `${path} ${child.name()}`.trim())),
  ]
}

const scriptOf: Readonly<Record<Shell, (nodes: readonly Node[]) => string>> = {
  bash: (nodes) => `_waggle() {
  local path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] || path="\${path:+$path }$word"
  done
  local words=""
  while :; do
    case "$path" in
${nodes.map(({ path, words }) => `      '${path}') words='${words.map(({ word }) => word).join(' ')}' ;;`).join('\n')}
    esac
    [[ -n $words || -z $path ]] && break
    [[ $path == *" "* ]] && path="\${path% *}" || path=""
  done
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [[ \${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _waggle waggle
`,
  zsh: (nodes) => `#compdef waggle
autoload -U bashcompinit && bashcompinit
${scriptOf.bash(nodes)}`,
  fish: (nodes) =>
    `${nodes
      .flatMap(({ path, words }) =>
        words.map(({ word, about }) => {
          const when =
            path === ''
              ? '__fish_use_subcommand'
              : path
                  .split(' ')
                  .map((part) => `__fish_seen_subcommand_from ${part}`)
                  .join('; and ')
          const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`
          return `complete -c waggle -n '${when}' ${what} -d ${quoted(about)}`
        }),
      )
      .join('\n')}
`,
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
