import { ErrorAnswerSchema } from '#shared/schemas/error'

/** Why the stream was refused. `code` and `message` are the server's; undefined: somebody in front of it has answered. */
export interface StreamRefusal { status: number, code: string | undefined, message: string | undefined }

/** What the pages have words of their own for: the server's code, or the status where somebody else has answered. */
export const REFUSAL_REASONS = [
  'origin-foreign', 'host-foreign', 'streams-too-many', 'login-required', 'no-account-yet', 'accounts-unavailable', 'status401', 'status403', 'status429', 'other',
] as const

/** Of an answer that is no stream; undefined: it says that there is no server, not that it refuses. */
export async function refusalOfAnswer(answer: Response): Promise<StreamRefusal | undefined> {
  const body = ErrorAnswerSchema.safeParse(await answer.json().catch(() => undefined)).data
  const { status } = answer
  const isRefused = status >= 400 && (status < 500 || (status === 503 && body !== undefined))
  return isRefused ? { status, code: body?.error.code, message: body?.error.message } : undefined
}

export function reasonOf({ status, code }: StreamRefusal): typeof REFUSAL_REASONS[number] {
  return REFUSAL_REASONS.find(reason => reason === (code ?? `status${status}`)) ?? REFUSAL_REASONS.find(reason => reason === `status${status}`) ?? 'other'
}
