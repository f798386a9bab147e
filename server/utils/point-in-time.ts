import { createError } from 'h3'
import { toMicroseconds } from '#shared/time/time'
import { BUSY, pointInTimeError } from '../replay/point-in-time'
import type { PointInTimeError } from '../replay/point-in-time'
import { useLeitstand } from './leitstand'

/** Refuses a time that cannot be shown (now). */
export async function requirePointInTime(at: string) {
  const leitstand = useLeitstand()
  const fault = leitstand.replays.isBusy() ? BUSY : await pointInTimeError(leitstand, toMicroseconds(at))
  if (fault) throw toHttpError(fault)
}

/** The answer, or its error thrown. */
export function requireAnswer<T extends object>(answer: T | PointInTimeError): T {
  if (isFault(answer)) throw toHttpError(answer)
  return answer
}

function isFault(answer: object): answer is PointInTimeError {
  return 'status' in answer && 'code' in answer
}

function toHttpError({ status, code, message }: PointInTimeError) {
  return createError({ statusCode: status, message, data: { code } })
}
