// The broker's TLS files: read and checked once at start, so that a wrong file is reported by its setting and not by a
// failed handshake.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { SettingsError, variableName } from '../settings'
import type { Settings } from '../settings'

type FileSetting = 'caFile' | 'certFile' | 'keyFile'

const CERTIFICATES = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]*-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g
const KEY = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/
const ENCRYPTED = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m

/** @throws {SettingsError} naming the setting and what its file lacks; never with the file's name. */
export function readCertificates({ caFile, certFile, keyFile }: Pick<Settings['mqtt'], FileSetting>) {
  const ca = caFile ? readCertificate('caFile', caFile, 'the certificate of the authority that signed the broker’s') : undefined
  const cert = certFile ? readCertificate('certFile', certFile, 'the client’s certificate') : undefined
  const key = keyFile ? readKey(keyFile) : undefined
  if (cert !== undefined && key === undefined) throw unusable('keyFile', 'must be set where NUXT_MQTT_CERT_FILE is: a certificate is of no use without its key')
  if (cert === undefined && key !== undefined) throw unusable('certFile', 'must be set where NUXT_MQTT_KEY_FILE is: a key is of no use without its certificate')
  if (cert !== undefined && key !== undefined && !new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    throw unusable('keyFile', 'names a file with another key than that of the certificate in NUXT_MQTT_CERT_FILE')
  }
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }
}

function readCertificate(name: FileSetting, file: string, wanted: string): string {
  const text = readText(name, file)
  const certificates = text.match(CERTIFICATES) ?? []
  const need = `it has to hold ${wanted} as PEM, which begins with -----BEGIN CERTIFICATE-----`
  if (certificates.length === 0) throw unusable(name, `names ${what(text)}: ${need}`)
  for (const certificate of certificates) {
    try {
      new X509Certificate(certificate)
    }
    catch {
      throw unusable(name, `names a file with a certificate that is damaged: ${need}`)
    }
  }
  return text
}

function readKey(file: string): string {
  const text = readText('keyFile', file)
  const need = 'it has to hold the client’s private key as PEM, which begins with -----BEGIN PRIVATE KEY-----'
  if (ENCRYPTED.test(text)) throw unusable('keyFile', 'names a file with a key that takes a password: it has to hold the key without one')
  if (!KEY.test(text)) throw unusable('keyFile', `names ${what(text)}: ${need}`)
  try {
    createPrivateKey(text)
  }
  catch {
    throw unusable('keyFile', `names a file with a key that is damaged: ${need}`)
  }
  return text
}

/** What the file contains instead. */
function what(text: string): string {
  if (text.trim() === '') return 'a file that is empty'
  if (KEY.test(text)) return 'a file with a key and no certificate'
  return text.includes('-----BEGIN CERTIFICATE') ? 'a file with a certificate and no key' : 'a file without any'
}

function readText(name: FileSetting, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  }
  catch {
    throw unusable(name, 'names a file that cannot be read')
  }
}

function unusable(name: FileSetting, fault: string): SettingsError {
  return new SettingsError(`The settings are not usable: ${variableName(['mqtt', name])} ${fault}.`)
}
