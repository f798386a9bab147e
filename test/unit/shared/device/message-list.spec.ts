import { describe, expect, it } from 'vitest'
import { MESSAGES_SHOWN, joinMessages } from '#shared/device/message-list'
import { telemetry } from '../fixtures'

const message = (tempC: number, secondsAgo: number) => telemetry('tor-1', { tempC }, secondsAgo)

describe('joinMessages', () => {
  it('shows a message once that both the stream and the answer hold, newest first', () => {
    expect(joinMessages([message(3, 0), message(2, 1)], [message(2, 1), message(1, 2)]))
      .toEqual([message(3, 0), message(2, 1), message(1, 2)])
  })

  it('keeps equal messages that the server heard twice', () => {
    expect(joinMessages([], [message(1, 0), message(1, 0)])).toHaveLength(2)
  })

  it('keeps the newest when there are too many', () => {
    const many = Array.from({ length: MESSAGES_SHOWN }, (_, i) => message(i, i + 1))
    const joined = joinMessages([message(99, 0)], many)
    expect(joined).toHaveLength(MESSAGES_SHOWN)
    expect(joined[0]).toEqual(message(99, 0))
  })
})
