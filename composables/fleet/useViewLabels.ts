import { useI18n } from '#imports'
import { sharedView } from '#shared/fleet/shared-view'
import { useProfiles } from '../registry/useProfiles'

/** What the view at an address shows, as text. */
export function useViewLabels() {
  const { t } = useI18n()
  const { nameOf } = useProfiles()

  return (path: string): string => {
    const { deviceId, group, place } = sharedView(path) ?? { deviceId: undefined, group: undefined, place: undefined }
    if (deviceId !== undefined) return t('share.device', { name: nameOf(deviceId) })
    if (group !== undefined && place !== undefined) return t('share.groupAndPlace', { group, place })
    if (group !== undefined) return t('share.group', { group })
    return place === undefined ? t('share.all') : t('share.place', { place })
  }
}
