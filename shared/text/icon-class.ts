/** `i-lucide-tag` -> the class of a plain element that shows it, once the style of the icon is in the document (FleetIcons). */
export function iconClass(name: string): string {
  return `iconify ${name.replace('i-lucide-', 'i-lucide:')}`
}
