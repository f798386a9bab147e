import { mountSuspended } from '@nuxt/test-utils/runtime'
import { expect, it, vi } from 'vitest'
import { defineComponent, h } from 'vue'
import type { HistoryAnswer } from '#shared/schemas/history'
import HistoryGuard from '~/components/history/HistoryGuard.vue'

const answer = (from: string): HistoryAnswer => ({ deviceId: 'tor-1', metric: 'tempC', unit: null, from, to: '2026-11-14T03:00:00Z', kind: 'number', resolution: 'raw', stepSeconds: 9, points: [] })

it('keeps what goes wrong in one chart in its place, until there is another window', async () => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => {})
  let isBroken = true
  const Chart = defineComponent(() => {
    if (isBroken) throw new Error('No such chart.')
    return () => h('p', 'a chart')
  })
  const guard = await mountSuspended(HistoryGuard, { props: { answer: answer('2026-11-14T02:00:00Z') }, slots: { default: () => h(Chart) } })
  expect(guard.find('[data-testid=history-not-shown]').text()).toMatch(/Temperature.*could not be shown/s)
  expect(said).toHaveBeenCalledOnce()
  isBroken = false
  await guard.setProps({ answer: answer('2026-11-14T01:00:00Z') })
  await vi.waitFor(() => expect(guard.text()).toBe('a chart'))
  said.mockRestore()
})
