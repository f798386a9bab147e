// What the built server begins with. Before anything else is loaded, for that alone would make V8's young generation grow to sixteen times
// its size: `utils/young-generation.ts` says what it is good for, and lets it grow when there is a use for it.
import { setFlagsFromString } from 'node:v8'

setFlagsFromString('--semi-space-growth-factor=1')
// `leitstand`, `/leitstand` and `/leitstand/` are the same, and everything here builds upon the last. Before Nitro reads it.
const { NUXT_APP_BASE_URL: path } = process.env
if (path !== undefined) process.env.NUXT_APP_BASE_URL = `/${path.split('/').map(part => part.trim()).filter(Boolean).join('/')}/`.replace('//', '/')
void import('./listen')
