import { ref } from 'vue'
import { DoctorSchema } from '#shared/schemas/doctor'
import { faultOf } from '../registry/useProfileSaving'
import { usePolled } from '../shell/usePolled'

const EVERY_MS = 3_000

/** The doctor's findings, refreshed every few seconds while the page is visible, and the examination. */
export function useDoctor() {
  const { answer: report, status, refresh } = usePolled({ path: '/api/doctor', schema: DoctorSchema, everyMs: EVERY_MS })
  const isExamining = ref(false)
  const examinationFault = ref<string | null>(null)

  async function examine() {
    isExamining.value = true
    examinationFault.value = null
    try {
      await $fetch('/api/doctor/examination', { method: 'POST', retry: 0 })
    }
    catch (error) {
      examinationFault.value = faultOf(error)
    }
    isExamining.value = false
    await refresh()
  }

  return { report, status, retry: refresh, examine, isExamining, examinationFault }
}
