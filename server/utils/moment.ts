import { createError } from 'h3'
import { toMicroseconds } from '#shared/time/time'
import { BUSY, faultOfMoment } from '../replay/point-in-time'
import type { MomentFault } from '../replay/point-in-time'
import { useLeitstand } from './leitstand'

/** Refuses a time that cannot be shown (now). */
export async function requireMoment(at: string) {
  const leitstand = useLeitstand()
  const fault = leitstand.replays.isBusy() ? BUSY : await faultOfMoment(leitstand, toMicroseconds(at))
  if (fault) throw momentError(fault)
}

/** The answer, or its error thrown. */
export function requireAnswer<T extends object>(answer: T | MomentFault): T {
  if (isFault(answer)) throw momentError(answer)
  return answer
}

function isFault(answer: object): answer is MomentFault {
  return 'status' in answer && 'code' in answer
}

function momentError({ status, code, message }: MomentFault) {
  return createError({ statusCode: status, message, data: { code } })
}
