/** The pictograms a device can have, by their Lucide names: few enough to be sent with every page. */
export const DEVICE_ICONS = [
  'thermometer', 'droplets', 'door-open', 'door-closed', 'gauge', 'battery', 'zap', 'plug', 'lightbulb', 'fan', 'snowflake', 'refrigerator',
  'flame', 'wind', 'sun', 'cloud-rain', 'sprout', 'camera', 'wifi', 'radio-tower', 'router', 'server', 'cpu', 'truck', 'car', 'forklift',
  'warehouse', 'factory', 'house', 'cog', 'waves', 'activity', 'bell', 'lock',
] as const
export type DeviceIcon = typeof DEVICE_ICONS[number]

/** `thermometer` -> `i-lucide-thermometer` */
export function iconName(icon: DeviceIcon): string {
  return `i-lucide-${icon}`
}
