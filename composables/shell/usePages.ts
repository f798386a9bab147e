import { computed } from 'vue'
import { useI18n } from '#imports'
import { useAccess } from '../access/useAccess'

/** The pages that the user may see, for navigation and palette. */
export function usePages() {
  const { t } = useI18n()
  const { session, home, mayVisit } = useAccess()
  const all = () => [
    { label: t('shell.overview'), icon: 'i-lucide-layout-list', to: '/' },
    { label: t('wall.title'), icon: 'i-lucide-presentation', to: '/wall' },
    { label: t('shell.rejections'), icon: 'i-lucide-mail-x', to: '/rejections' },
    { label: t('shell.topics'), icon: 'i-lucide-list-tree', to: '/topics' },
    { label: t('shell.doctor'), icon: 'i-lucide-stethoscope', to: '/doctor' },
    { label: t('shell.storage'), icon: 'i-lucide-database', to: '/storage' },
    { label: t('shell.configuration'), icon: 'i-lucide-settings-2', to: '/configuration' },
    { label: t('access.accounts'), icon: 'i-lucide-users', to: '/accounts' },
    { label: t('audit.title'), icon: 'i-lucide-scroll-text', to: '/audit' },
  ].filter(({ to }) => mayVisit(to))
  return computed(() => session.value.view ? [{ label: t('share.view'), icon: 'i-lucide-eye', to: home.value }] : all())
}
