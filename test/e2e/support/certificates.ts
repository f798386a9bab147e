import { execFileSync } from 'node:child_process'
import { openssl } from './dependencies'

/** An authority, and a certificate of the server (localhost) and of a client that it signed: `ca.pem`, `server.pem`, `server.key`, … */
export function makeCertificates(folder: string) {
  const run = (...args: string[]) => execFileSync(openssl ?? 'openssl', args, { cwd: folder, stdio: 'ignore' })
  run('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=Test CA', '-keyout', 'ca.key', '-out', 'ca.pem')
  for (const [name, subject] of [['server', '/CN=localhost'], ['client', '/CN=leitstand']] as const) {
    run('req', '-newkey', 'rsa:2048', '-nodes', '-subj', subject, '-addext', 'subjectAltName=DNS:localhost', '-keyout', `${name}.key`, '-out', `${name}.csr`)
    run('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-copy_extensions', 'copy', '-out', `${name}.pem`)
  }
}
