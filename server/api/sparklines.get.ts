import type { Sparklines } from '#shared/schemas/sparkline'
import { SparklineQuerySchema } from '#shared/schemas/sparkline'
import { answerSparklines } from '../answering'

/** `GET /api/sparklines?device=a&device=b` -> the last hour of one metric of each */
export default defineEventHandler((event): Sparklines => {
  const { device } = requireQuery(event, SparklineQuerySchema)
  const { registry, fleet } = useLeitstand()
  return answerSparklines(requireHistory(), registry, fleet, device)
})
