import { setFlagsFromString } from 'node:v8'

/**
 * Lets V8's young generation stay as large as starting has made it (at most 16 MiB) instead of growing to 64: almost everything made
 * on the way of a message is gone at its end, so that frequent short collections cost no more than rare ones, which are pauses of ten
 * milliseconds. By flag at run time, and so for every way to start the server; V8 reads it before each growth.
 */
export function keepYoungGenerationSmall() {
  setFlagsFromString('--semi-space-growth-factor=1')
}
