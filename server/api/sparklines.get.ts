import type { Sparklines } from '#shared/schemas/sparkline'
import { SparklineQuerySchema } from '#shared/schemas/sparkline'
import { answerSparklines } from '../leitstand/questions'

/** `GET /api/sparklines?device=a&device=b&at=` -> the last hour of one metric of each */
export default defineEventHandler((event): Promise<Sparklines> => {
  const { device, at } = requireQuery(event, SparklineQuerySchema)
  const { registry, fleet } = useLeitstand()
  const sees = canSeeFor(event)
  return answerSparklines(requireHistory(), registry, fleet, sees ? device.filter(sees) : device, at)
})
