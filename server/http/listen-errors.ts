/** The address on which the server should listen. */
export interface Place { port: string, host: string, path: string | undefined }

/** Why the server cannot listen, and what to do, in one sentence. */
export function listenError(error: unknown, { port, host, path }: Place): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const place = path === undefined || path === '' ? `port ${port}` : 'the socket that NITRO_UNIX_SOCKET names'
  switch (code) {
    case 'EADDRINUSE':
      return path
        ? 'Another program listens on the socket that NITRO_UNIX_SOCKET names: stop it, or name another.'
        : `Port ${port}${host && ` of ${host}`} is taken by another program: stop that, or set PORT to another one.`
    case 'EACCES':
      return path
        ? 'The socket that NITRO_UNIX_SOCKET names must not be made there: name another place.'
        : `Port ${port} must not be used by this user (those below 1024 belong to root): set PORT to another one, such as 3000.`
    case 'EADDRNOTAVAIL':
      return `HOST names ${host}, which is no address of this machine: set it to one, to 127.0.0.1 for this machine alone, or to 0.0.0.0 for all of its addresses.`
    case 'ENOTFOUND': case 'EAI_AGAIN': case 'EINVAL':
      return `HOST names ${host}, which is neither an address nor a name that is known here: set it to an address of this machine, such as 127.0.0.1 or 0.0.0.0.`
    case 'ERR_SOCKET_BAD_PORT':
      return 'PORT must be a whole number from 0 to 65535.'
    case 'ENOENT': case 'ENOTDIR':
      return 'The folder of the socket that NITRO_UNIX_SOCKET names is not there: make it, or name another place.'
    default:
      return code.startsWith('ERR_OSSL') || code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS')
        ? `NITRO_SSL_CERT and NITRO_SSL_KEY have to hold a certificate and its key as PEM, and do not (${code}).`
        : `The server cannot listen on ${place}${code && ` (${code})`}: check PORT and HOST.`
  }
}
