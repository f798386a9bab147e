import { RejectionReportSchema } from '#shared/schemas/rejection'
import { expect, it } from 'vitest'
import { createRejections } from '../../../../server/rejections/rejections'

const AT = new Date('2026-01-01T12:00:00Z')

it('counts every rejection by its reason and keeps the last 200, newest first', () => {
  const rejections = createRejections()
  for (let n = 1; n <= 250; n++) rejections.add(`sensors/${n}/telemetry`, Buffer.from('x'), n % 2 ? 'not-json' : 'not-utf8', 'Why.', AT)
  const report = RejectionReportSchema.parse(rejections.report())
  expect(report).toMatchObject({ total: 250, byReason: { 'not-json': 125, 'not-utf8': 125 } })
  expect(report.recent).toHaveLength(200)
  expect(report.recent.map(({ id }) => id)).toEqual(Array.from({ length: 200 }, (_, i) => 250 - i))
})

it('keeps the first kilobyte of a payload and the size of the whole', () => {
  const rejections = createRejections()
  rejections.add('t'.repeat(60_000), Buffer.alloc(10_000_000, 'x'), 'payload-too-large', 'Why.', AT)
  const [kept] = rejections.report().recent
  expect(kept).toMatchObject({ bytes: 10_000_000, excerpt: 'x'.repeat(1_024) })
  expect(kept?.topic).toHaveLength(512)
})

it('shows bytes that are no text without failing', () => {
  const rejections = createRejections()
  rejections.add('sensors/a/telemetry', Buffer.from([0xFF, 0xFE, 0x41]), 'not-utf8', 'Why.', AT)
  expect(rejections.report().recent[0]?.excerpt).toBe('\uFFFD\uFFFDA')
})
