import { SessionSchema } from '#shared/schemas/access'

/** Tells the page who has asked for it, as the server's middleware has found. */
export default defineNuxtPlugin({
  name: 'leitstand:session',
  setup(nuxtApp) {
    const { success, data } = SessionSchema.safeParse(nuxtApp.ssrContext?.event.context.session)
    if (success) useAccess().session.value = data
  },
})
