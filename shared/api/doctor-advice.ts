import { DoctorCodeSchema } from '#shared/schemas/doctor'
import type { DoctorCode } from '#shared/schemas/doctor'

/** Findings that leave nothing to do. */
const WITHOUT_ADVICE: ReadonlySet<DoctorCode> = new Set([
  'skipped', 'broker-reached', 'broker-connecting', 'login-accepted', 'subscription-granted', 'messages-seen', 'acceptance-all', 'clocks-right',
  'states-seen', 'ghosts-none', 'ghosts-waiting', 'root-unseen', 'root-alone',
])

/** Findings after which something is to be done. */
export const ADVISED: readonly DoctorCode[] = DoctorCodeSchema.options.filter(code => !WITHOUT_ADVICE.has(code))
