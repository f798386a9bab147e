import { execFileSync } from 'node:child_process'
import { CertificatesFailure } from './failure.ts'

/** Runs OpenSSL in a folder; what it writes to its output. @throws {CertificatesFailure} */
export function openssl(folder: string, args: string[], input = ''): string {
  try {
    return execFileSync('openssl', args, { cwd: folder, input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] })
  }
  catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new CertificatesFailure('The program openssl is missing; install it (Debian: apt install openssl; Windows: it comes with Git).')
    }
    throw new CertificatesFailure(`openssl ${args[0]} failed: ${lastLine(error)}`)
  }
}

function lastLine(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : ''
  return said || String(error)
}
