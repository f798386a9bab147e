// What the built server begins with. Before anything else is loaded, for that alone would make V8's young generation grow to sixteen times
// its size: `utils/young-generation.ts` says what it is good for, and lets it grow when there is a use for it.
import { setFlagsFromString } from 'node:v8'

setFlagsFromString('--semi-space-growth-factor=1')
void import('./listen')
