import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startChild } from '../../../../../tools/simulator/demo/child'
import { nextFreePort } from '../../../../../tools/simulator/demo/ports'

const CHILD_MODULE = new URL('../../../../../tools/simulator/demo/child.ts', import.meta.url).href
let folder = ''
let server: Server

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demo-child-'))
  server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterEach(async () => {
  server.close()
  await rm(folder, { recursive: true, force: true })
})

function port(): number {
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('The server has no port.')
  return address.port
}

async function script(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text)
  return join(folder, name)
}

/** A script that runs until it is ended; its socket to the test closes with it. */
const staying = () => script('staying.mjs', `import { connect } from 'node:net'\nconnect(${port()}, '127.0.0.1')`)

async function nextSocket(): Promise<Socket> {
  const socket = await new Promise<Socket>(resolve => server.once('connection', resolve))
  socket.on('error', () => undefined).resume()
  return socket
}

describe('a child process of the demo', () => {
  it('hands over its lines and tells how it ended', async () => {
    const lines: string[] = []
    const path = await script('failing.mjs', 'console.log("one"); console.error("two"); process.exitCode = 3')
    const child = startChild(path, [], { cwd: folder, env: process.env, onLine: line => lines.push(line) })
    expect(await child.ended).toEqual({ ok: false, how: 'code 3' })
    expect(lines.sort()).toEqual(['one', 'two'])
  })

  it('ends when it is stopped', async () => {
    const connected = nextSocket()
    const child = startChild(await staying(), [], { cwd: folder, env: process.env, onLine: () => undefined })
    await connected
    await child.stop()
    expect(await child.ended).toEqual({ ok: false, how: 'SIGTERM' })
  })

  it('does not outlive a parent that is killed', async () => {
    const connected = nextSocket()
    const parent = await script('parent.mjs', `
      import { startChild } from ${JSON.stringify(CHILD_MODULE)}
      startChild(${JSON.stringify(await staying())}, [], { cwd: '.', env: process.env, onLine() {} })`)
    const killed = spawn(process.execPath, [parent], { stdio: 'inherit' })
    const socket = await connected
    const closed = once(socket, 'close')
    killed.kill('SIGKILL')
    await closed
  })
})

describe('the next free port', () => {
  it('passes over a taken one', async () => {
    expect(await nextFreePort(port())).toBeGreaterThan(port())
  })
})
