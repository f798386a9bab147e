// A real nginx in front of an application, with the lines that the documentation has for it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { findProgram } from '../../../tools/programs/find'
import { freePort } from '../../../tools/programs/free-port'
import { until } from './until'

export const nginx = findProgram('nginx')

/** The nginx block of docs/security.md, for an application on another port. */
export function documentedBlock(port: number): string {
  const [, block] = /With nginx:\s+( {4}location[\s\S]*?\n {4}\})/.exec(readFileSync('docs/security.md', 'utf8')) ?? []
  if (!block) throw new Error('docs/security.md has no nginx block.')
  return block.replace('127.0.0.1:3000', `127.0.0.1:${port}`)
}

/** Runs what `lines` say within `server { … }`, on a free port; `again` has it read other lines. */
export async function startFront(lines: string): Promise<{ url: string, again: (lines: string) => Promise<void> }> {
  if (!nginx) throw new Error('There is no nginx on this machine.')
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-front-'))
  mkdirSync(join(folder, 'temp'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const file = join(folder, 'nginx.conf')
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${folder}/temp/${name};`).join(' ')
  let version = 0
  function write(lines: string) {
    version++
    writeFileSync(file, `${process.getuid?.() === 0 ? 'user root;' : ''} pid ${folder}/pid; daemon off; worker_shutdown_timeout 1s; events {}
      http { access_log off; ${temp} server { listen 127.0.0.1:${port};
      location = /front-version { return 200 "${version}"; }
      ${lines} } }`)
  }
  const isThere = () => until(async () => {
    const answer = await fetch(`${url}/front-version`).catch(() => undefined)
    return answer && await answer.text() === String(version) ? true : undefined
  }, 'nginx to answer')
  write(lines)
  const child = spawn(nginx, ['-c', file, '-e', 'stderr', '-p', folder], { stdio: 'ignore' })
  onTestFinished(async () => {
    child.kill()
    if (child.exitCode === null) await once(child, 'exit')
    rmSync(folder, { recursive: true, force: true })
  })
  await isThere()
  return {
    url,
    async again(lines) {
      write(lines)
      child.kill('SIGHUP')
      await isThere()
    },
  }
}
