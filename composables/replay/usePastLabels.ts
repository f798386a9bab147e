import { computed } from 'vue'
import { useI18n } from '#imports'
import { useReplayControls } from './useReplayControls'

/** The state of a replay, in the language of the page. */
export function usePastLabels() {
  const { t } = useI18n()
  const { state, speed, fault } = useReplayControls()

  return {
    where: computed(() => {
      if (state.value === 'ended') return t('past.ended')
      return state.value === 'playing' ? t('past.playing', { speed: speed.value }) : t('past.paused')
    }),
    /** Why a time cannot be shown; `null`: it can. */
    faultText: computed(() => {
      if (!fault.value) return null
      if (fault.value.code === 'at-too-early') return t('past.fault.tooEarly')
      if (fault.value.code === 'at-in-future') return t('past.fault.inFuture')
      if (fault.value.code === 'history-off') return t('past.fault.off')
      return fault.value.code === 'replays-busy' ? t('past.fault.busy') : t('past.fault.other')
    }),
  }
}
