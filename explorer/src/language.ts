/**
 * A browser on a bare machine may call its language `en-US@posix`, which `Intl` refuses; and the library
 * that draws charts asks `Intl` for the browser's language as soon as it is loaded.
 */
export function mendLanguage(): void {
  try {
    Intl.getCanonicalLocales(navigator.language)
  } catch {
    Object.defineProperty(navigator, 'language', { value: 'en-US' })
  }
}
