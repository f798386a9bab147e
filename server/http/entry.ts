// The first module of the built server. It runs before anything else is loaded: loading alone would make V8's young
// generation grow to sixteen times its size, see `utils/young-generation.ts`.
import { setFlagsFromString } from 'node:v8'

setFlagsFromString('--semi-space-growth-factor=1')
// `leitstand`, `/leitstand` and `/leitstand/` are the same; all code here expects the last. Runs before Nitro reads
// it.
const { NUXT_APP_BASE_URL: path } = process.env
if (path !== undefined) process.env.NUXT_APP_BASE_URL = `/${path.split('/').map(part => part.trim()).filter(Boolean).join('/')}/`.replace('//', '/')
void import('./listen')
