import type { RejectionReport } from '#shared/schemas/rejection'

/** `GET /api/rejections` -> `{ total, byReason, recent }` */
export default defineEventHandler((): RejectionReport => useLeitstand().rejections.report())
