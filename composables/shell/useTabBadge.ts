import { useHead, useI18n } from '#imports'
import { logoAddress } from '#shared/text/logo'
import { useConnection } from '../stream/useConnection'
import { useFormats } from './useFormats'
import { useSilentCount } from '../fleet/useSilentCount'

/**
 * Title and icon of the tab, so that a tab in the background shows when something is wrong. unhead puts the page's
 * title where `%s` is.
 */
export function useTabBadge() {
  const { t } = useI18n()
  const { fault } = useConnection()
  const { number } = useFormats()
  const silentCount = useSilentCount()

  useHead(() => {
    const title = `%s – ${t('shell.name')}`
    if (fault.value) {
      const what = fault.value === 'server' ? t('connection.disconnected') : t('connection.brokerDown')
      return { titleTemplate: t('connection.titlePrefix', { what, title }), link: [iconLink('connection')] }
    }
    if (silentCount.value > 0) return {
      titleTemplate: t('presence.titlePrefix', { count: number(silentCount.value), title }),
      link: [iconLink('devices')],
    }
    return { titleTemplate: title, link: [iconLink()] }
  })
}

function iconLink(mark?: 'devices' | 'connection') {
  return { key: 'icon', rel: 'icon', type: 'image/svg+xml', href: logoAddress(mark) } as const
}
