/** Theme is what the user chose; system follows the machine. */
export type Theme = 'system' | 'light' | 'dark' | 'contrast'

export const themes: Theme[] = ['system', 'light', 'dark', 'contrast']
const key = 'gennaker.theme'

export function readTheme(): Theme {
  try {
    const t = localStorage.getItem(key)
    return themes.find((x) => x === t) ?? 'system'
  } catch {
    return 'system'
  }
}

const dark = () => matchMedia('(prefers-color-scheme: dark)')
const contrast = () => matchMedia('(prefers-contrast: more)')

/** applyTheme shows a theme; of the system's it follows the changes. */
export function applyTheme(theme: Theme) {
  const show = () => {
    const shown = theme !== 'system' ? theme : contrast().matches ? 'contrast' : dark().matches ? 'dark' : 'light'
    document.documentElement.dataset.theme = shown
  }
  dark().onchange = show
  contrast().onchange = show
  show()
}

export function saveTheme(theme: Theme) {
  applyTheme(theme)
  try {
    localStorage.setItem(key, theme)
  } catch {
    // It lasts as long as the page, then.
  }
}
