import { ref, shallowRef } from 'vue'
import { useI18n, useToast } from '#imports'
import { ErrorAnswerSchema } from '#shared/schemas/error'
import type { Fault } from '#shared/schemas/error'
import { ImportReportSchema } from '#shared/schemas/registry'
import type { ImportReport } from '#shared/schemas/registry'
import { faultOf } from './useProfileSaving'

const UNDO_MS = 30_000

/** Imports a registry file: first a preview, then the change, then the undo. */
export function useRegistryImport() {
  const { t } = useI18n()
  const toast = useToast()
  const report = shallowRef<ImportReport | null>(null)
  const fault = shallowRef<{ message: string, faults: readonly Fault[] } | null>(null)
  const isBusy = ref(false)
  let text: string | undefined

  async function send(body: string, dryRun: boolean): Promise<ImportReport> {
    return ImportReportSchema.parse(await $fetch('/api/registry', {
      method: 'PUT', query: { dryRun }, body, headers: { 'content-type': 'application/json' }, retry: 0,
    }))
  }

  async function attempt(work: () => Promise<void>) {
    isBusy.value = true
    fault.value = null
    try {
      await work()
    }
    catch (error) {
      const data: unknown = error instanceof Error && 'data' in error ? error.data : undefined
      fault.value = { message: faultOf(error), faults: ErrorAnswerSchema.safeParse(data).data?.error.faults ?? [] }
    }
    isBusy.value = false
  }

  function forget() {
    text = undefined
    report.value = null
    fault.value = null
  }

  return {
    /** The preview of the chosen file; `null` without one. */
    report,
    /** Why the file was refused, place by place. */
    fault,
    isBusy,
    forget,
    choose: (file: File) => attempt(async () => {
      report.value = null
      text = await file.text()
      report.value = await send(text, true)
    }),
    apply: () => attempt(async () => {
      if (text === undefined) return
      const before = await $fetch<string>('/api/registry', { responseType: 'text', retry: 0 })
      const { total } = await send(text, false)
      forget()
      toast.add({
        title: t('registry.imported', { count: total }, total),
        icon: 'i-lucide-check',
        color: 'success',
        duration: UNDO_MS,
        actions: [{ label: t('profile.undo'), icon: 'i-lucide-undo-2', color: 'neutral', variant: 'outline', onClick: () => void attempt(async () => void await send(before, false)) }],
      })
    }),
  }
}
