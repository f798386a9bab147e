import { description, license, version } from '../../package.json'

export const INFO = { title: 'Leitstand', version, description }
export const LICENCE = license
