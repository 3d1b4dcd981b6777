/**
 * The explorer: everything on these pages comes from the node that served them.
 */
import { render } from 'preact'
import './styles/tokens.css'
import './styles/base.css'
import './styles/layout.css'
import './styles/parts.css'
import './styles/pictures.css'
import './styles/motion.css'
import { App } from './app.tsx'
import { mendLanguage } from './language.ts'
import { startLive } from './net/live.ts'
import { startTheme } from './theme.ts'

mendLanguage()
startTheme()
startLive()
render(<App />, document.getElementById('app')!)
