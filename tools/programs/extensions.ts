// The server's own modules leave out `.ts`, as its bundler wants it; Node wants it. Imported first by what runs them directly.
import { registerHooks } from 'node:module'

registerHooks({
  resolve(specifier, context, nextResolve) {
    const bare = context.parentURL?.endsWith('.ts') && specifier.startsWith('.') && !/\.\w+$/.test(specifier)
    return nextResolve(bare ? `${specifier}.ts` : specifier, context)
  },
})
