import { ErrorAnswerSchema } from '#shared/schemas/error'

/** Why the stream was refused. `code` and `message` are the server's; undefined: a proxy has answered. */
export interface StreamRefusal { status: number, code: string | undefined, message: string | undefined }

/** Refusals with page texts of their own: the server's code, or the status of a proxy. */
export const REFUSAL_REASONS = [
  'origin-foreign', 'host-foreign', 'streams-too-many', 'login-required', 'no-account-yet', 'accounts-unavailable', 'status401', 'status403', 'status429', 'other',
] as const

/** From a response that is no stream; undefined: the server is not there, which is no refusal. */
export async function refusalOfAnswer(answer: Response): Promise<StreamRefusal | undefined> {
  const body = ErrorAnswerSchema.safeParse(await answer.json().catch(() => undefined)).data
  const { status } = answer
  const isRefused = status >= 400 && (status < 500 || (status === 503 && body !== undefined))
  return isRefused ? { status, code: body?.error.code, message: body?.error.message } : undefined
}

export function reasonOf({ status, code }: StreamRefusal): typeof REFUSAL_REASONS[number] {
  return REFUSAL_REASONS.find(reason => reason === (code ?? `status${status}`)) ?? REFUSAL_REASONS.find(reason => reason === `status${status}`) ?? 'other'
}
