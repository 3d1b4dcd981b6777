/**
 * Texts below the options of a command's help.
 */

/** One example, for commands that say all in their description. */
export function exampleText(command: string): string {
  return `\nExamples:\n  $ waggle ${command}`
}
