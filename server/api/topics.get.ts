import type { Topics } from '#shared/schemas/topics'
import { TopicsQuerySchema } from '#shared/schemas/topics'

/** `GET /api/topics?under=&q=&limit=` -> what the broker carries, level by level, and what was made of it */
export default defineEventHandler((event): Topics => useLeitstand().topics.answer(requireQuery(event, TopicsQuerySchema), Date.now()))
