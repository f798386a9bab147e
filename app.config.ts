export default defineAppConfig({
  ui: {
    colors: { primary: 'teal', neutral: 'slate', success: 'emerald', warning: 'amber', error: 'red' },
    // A banner may stand above the panel: it must fill what is left, not the whole window.
    dashboardPanel: { slots: { root: 'min-h-0', body: 'p-0 sm:p-0 gap-0 sm:gap-0' } },
    dashboardSidebar: { slots: { root: 'min-h-0' } },
    badge: { slots: { label: 'whitespace-nowrap' } },
  },
})
