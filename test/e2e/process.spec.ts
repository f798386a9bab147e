import { describe, expect, it } from 'vitest'
import { startApp } from './support/app'

describe('the server whose log nobody reads any more', () => {
  it('goes on, and ends when it is told to', async () => {
    const app = await startApp()
    await app.untilBroker('connected')
    app.process.stdout?.destroy()
    app.process.stderr?.destroy()
    // It says that it shuts down, and cannot.
    expect(await app.stop()).toBe(0)
  })
})
