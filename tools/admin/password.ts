import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { AdminFailure } from './failure.ts'

/** Asks for a password without showing it; twice, where somebody types. */
export async function readPassword(): Promise<string> {
  if (!process.stdin.isTTY) return firstLine()
  const password = await ask('Password: ')
  if (await ask('Once more: ') !== password) throw new AdminFailure('The two passwords are not the same.')
  return password
}

async function firstLine(): Promise<string> {
  const lines = createInterface({ input: process.stdin })
  for await (const line of lines) return line
  throw new AdminFailure('There is no password on the standard input.')
}

function ask(question: string): Promise<string> {
  process.stderr.write(question)
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const line = createInterface({ input: process.stdin, output: silent, terminal: true })
  return new Promise((resolve, reject) => {
    line.once('SIGINT', () => {
      line.close()
      reject(new AdminFailure('\nNothing was changed.'))
    })
    line.question('', (answer) => {
      line.close()
      process.stderr.write('\n')
      resolve(answer)
    })
  })
}
