import { ref } from 'vue'
import { DoctorSchema } from '#shared/schemas/doctor'
import { faultOf } from '../registry/useProfileSaving'
import { usePolled } from '../shell/usePolled'

const EVERY_MS = 3_000

/** What the doctor finds, refreshed every few seconds while the page is seen, and the way to look further. */
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
