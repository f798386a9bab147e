import { ref } from 'vue'
import { useI18n } from '#imports'
import { ErrorAnswerSchema } from '#shared/schemas/error'
import { isAccessFault } from '#shared/api/access'
import { faultOf } from '../registry/useProfileSaving'

/** Sends a change to accounts, and explains why it was refused. */
export function useAccessForm() {
  const { t } = useI18n()
  const isBusy = ref(false)
  const fault = ref('')

  function wordsOf(error: unknown): string {
    const data: unknown = error instanceof Error && 'data' in error ? error.data : undefined
    const code = ErrorAnswerSchema.safeParse(data).data?.error.code
    return code !== undefined && isAccessFault(code) ? t(`access.fault.${code}`) : faultOf(error)
  }

  return {
    isBusy,
    /** Empty while nothing is wrong. */
    fault,
    /** Whether it succeeded. */
    async attempt(work: () => Promise<void>): Promise<boolean> {
      isBusy.value = true
      fault.value = ''
      try {
        await work()
        return true
      }
      catch (error) {
        fault.value = wordsOf(error)
        return false
      }
      finally {
        isBusy.value = false
      }
    },
  }
}
