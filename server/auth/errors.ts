import type { Refusal } from './contract'

export const UNREAD: Refusal = { code: 'accounts-unavailable', message: 'The accounts cannot be read now; the application’s log says why.' }
export const LOST: Refusal = {
  code: 'accounts-lost',
  message: 'There were accounts, and they cannot be read: nobody may enter. On the machine, `npm run admin -- create NAME` makes an account, `npm run restore` puts a backup back, and `npm run admin -- give-up-accounts` gives them up.',
}
export const MACHINE_ONLY: Refusal = { code: 'machine-only', message: 'Only `npm run admin -- give-up-accounts` on the machine can do this.' }
