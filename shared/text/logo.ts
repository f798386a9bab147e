/** The states of the tab's icon: some devices are silent, or nothing can be heard at all. */
export type LogoMark = 'devices' | 'connection'

const DRAWING = '<rect width="32" height="32" rx="7" fill="#0f5f66"/>'
  + '<path d="M6 21a10 10 0 0 1 20 0" fill="none" stroke="#fff" stroke-width="2.5" stroke-linecap="round"/>'
  + '<path d="M16 21l5-6.5" stroke="#ffd166" stroke-width="2.5" stroke-linecap="round"/><circle cx="16" cy="21" r="2.4" fill="#fff"/>'

// Distinguished by shape as well as by colour: a triangle, and a cross in a circle.
const MARKS: Record<LogoMark, string> = {
  devices: '<path d="M22 13l9.5 17.5h-19z" fill="#ffb900" stroke="#461901" stroke-width="1.5" stroke-linejoin="round"/><path d="M22 19.5v5M22 27v.6" stroke="#461901" stroke-width="2.4" stroke-linecap="round"/>',
  connection: '<circle cx="22.5" cy="22.5" r="8.7" fill="#c10007" stroke="#fff" stroke-width="1.5"/><path d="M19.3 19.3l6.4 6.4m0-6.4l-6.4 6.4" stroke="#fff" stroke-width="2.6" stroke-linecap="round"/>',
}

/** The logo as an SVG document. */
export function logoSvg(mark?: LogoMark): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${DRAWING}${mark ? MARKS[mark] : ''}</svg>`
}

/** The same as a data URL: it must work when the server is unreachable. */
export function logoAddress(mark?: LogoMark): string {
  return `data:image/svg+xml,${encodeURIComponent(logoSvg(mark))}`
}
