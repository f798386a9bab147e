import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { z } from 'zod'
import { ROLES } from '#shared/api/access'
import { readRoleMap } from '#shared/api/role-map'
import { listOf } from '#shared/text/text-list'
import { isTopicRoot } from '#shared/mqtt/topic-root'

/** A whole number in a range, whichever way it is written. */
const whole = (min: number, max: number, fallback: number, description: string) => {
  const error = `must be a whole number from ${min} to ${max}`
  return z.coerce.number({ error }).int({ error }).min(min, { error }).max(max, { error }).default(fallback).describe(description)
}
/** `NUXT_LIMITS_PAYLOAD_BYTES` and the like. */
const count = (fallback: number, description: string) => whole(1, Number.MAX_SAFE_INTEGER, fallback, description)
const days = (fallback: number, description: string) => z.coerce.number({ error: 'must be a number of days' }).min(0, { error: 'must not be negative' }).default(fallback).describe(description)
const yes = (description: string) => z.union([z.boolean(), z.stringbool({ truthy: ['true', 'on', '1'], falsy: ['false', 'off', '0', ''] })], { error: 'must be true or false' }).default(false).describe(description)
const text = (description: string) => z.coerce.string().default('').describe(description)
/** Several, separated by commas or spaces. */
const list = (isItem: (item: string) => boolean, error: string, fallback: string, description: string) =>
  z.coerce.string().refine(value => listOf(value).every(isItem), { error }).default(fallback).describe(description)

/**
 * Every setting, with its default and meaning: the one place where they are declared. `nuxt.config.ts` hands them to
 * `runtimeConfig`, the environment overrides them (`mqtt.caFile` is `NUXT_MQTT_CA_FILE`), the table of docs/configuration.md lists them.
 */
export const SettingsSchema = z.object({
  mqtt: z.object({
    url: z.union([z.literal(''), z.url({ protocol: /^(mqtts?|wss?)$/, error: 'must be an address such as mqtt://broker:1883 or mqtts://broker:8883' })])
      .default('').describe('Address of the broker: `mqtt://`, `mqtts://`, `ws://` or `wss://`; a login in it is percent-encoded '
        + '(`mqtt://user%40site:p%3Ass@broker`). Empty: the application starts its own broker.'),
    username: text('User name at the broker.'),
    password: text('Password at the broker.'),
    clientId: z.coerce.string().max(1_024, { error: 'must have at most 1024 characters' }).default('').describe('MQTT client id. The broker keeps the session of this name while the application is away; two applications need two names, replicas of one have the same: each adds a number. Empty: `leitstand-` and eight characters, made once and stored in `NUXT_DATA_DIR` or the database (`leitstand` where an older version has run).'),
    root: z.coerce.string().refine(isTopicRoot, { error: 'must be a topic such as leitstand or plant/leitstand, without +, #, empty levels and a $ at its begin, and not below sensors' }).default('leitstand').describe('Topic below which the application publishes: `leitstand/status` says whether it is there. Two installations at one broker need two.'),
    caFile: text('File with the certificate authority (PEM) that signed the broker’s certificate.'),
    certFile: text('File with the client certificate (PEM).'),
    keyFile: text('File with the client certificate’s key (PEM).'),
    sessionExpirySeconds: whole(0, 4_294_967_295, 86_400, 'How long the broker keeps our session, and what arrives meanwhile, when we are away (MQTT 5). Until a new installation has run for a day: an hour at most.'),
    receiveMaximum: whole(1, 65_535, 1_000, 'QoS 1 messages under way to us at once: the rest waits in the broker, not in our memory.'),
    embeddedPort: whole(0, 65_535, 1883, 'Port of the application’s own broker on 127.0.0.1; the next free one when it is taken.'),
  }).prefault({}),
  accounts: z.object({
    open: yes('`true`: while no account exists, everybody who reaches the application may do everything but make the first account. Else only this machine may enter.'),
    sessionDays: whole(1, 3_650, 14, 'Days after which users must sign in again.'),
  }).prefault({}),
  oidc: z.object({
    issuer: z.coerce.string().refine(isIssuer, { error: 'must be an address such as https://login.example/realms/plant; without TLS only on this machine' })
      .default('').describe('Address of an OpenID Connect provider at which people sign in: its issuer, or that with `/.well-known/openid-configuration`. Empty: accounts of this application alone.'),
    clientId: text('Name of this application at the provider.'),
    clientSecret: text('Its secret there. Empty: it has none, PKCE alone protects the code.'),
    label: z.coerce.string().max(60, { error: 'must have at most 60 characters' }).default('').describe('What the provider is called on the page: “Sign in with …”. Empty: the name of its host.'),
    scopes: z.coerce.string().default('openid profile email').describe('Scopes that are asked for; some providers tell groups only for `groups`.'),
    groupsClaim: z.coerce.string().min(1, { error: 'must not be empty' }).default('groups').describe('Claim with the groups of a person: a text or a list of texts, in the ID token or else in what the provider says of the user.'),
    roles: z.coerce.string().refine(value => readRoleMap(value) !== undefined, { error: `must be pairs such as leitstand-admins=admin, with the roles ${ROLES.join(', ')}` })
      .default('').describe(
        'Which group has which role: `leitstand-admins=admin,leitstand-operators=operator`. A user in several groups has the highest.',
      ),
    defaultRole: z.enum(['none', ...ROLES], { error: `must be none, ${ROLES.join(', ')}` }).default('none').describe('Role of those who are in none of these groups; `none`: they may not enter.'),
    timeoutSeconds: whole(1, 60, 10, 'Seconds within which the provider must have answered a question of ours.'),
  }).superRefine(({ issuer, clientId, roles, defaultRole }, { addIssue }) => {
    if (!issuer) return
    if (!clientId) addIssue({ code: 'custom', path: ['clientId'], message: 'must be set where NUXT_OIDC_ISSUER is' })
    if (readRoleMap(roles)?.size === 0 && defaultRole === 'none') addIssue({ code: 'custom', path: ['roles'], message: 'must name a group, or NUXT_OIDC_DEFAULT_ROLE a role: else nobody from the provider may enter' })
  }).prefault({}),
  security: z.object({
    hosts: list(isHostName, 'must be names such as leitstand.example, without protocol and port', '', 'Names under which browsers may reach the application, besides addresses, `localhost` and the names of this machine (`name`, `name.local`, `.lan`, `.home.arpa`, `.internal`). `*` is every name.'),
    origins: list(isOrigin, 'must be addresses such as https://intranet.example, without a path', '', 'Other sites whose pages may change something here and open the event stream.'),
    trustedProxies: list(isAddressRange, 'must be addresses such as 10.0.0.1 or 10.0.0.0/8, or loopback or private', '', 'Proxies whose `X-Forwarded-For`, `-Host`, `-Port` and `-Proto` are believed: addresses, ranges, `loopback` or `private`.'),
    frameAncestors: list(isFrameAncestor, 'must be none, or self and addresses such as https://intranet.example', 'none', 'Sites that may show the pages in a frame: addresses, `self` or `none`.'),
  }).prefault({}),
  limits: z.object({
    payloadBytes: count(65_536, 'Largest payload of one message, in bytes.'),
    metricsPerMessage: count(256, 'Metrics in one message, and different metrics stored of one device.'),
    nameLength: count(128, 'Characters of a metric name, and of a deviceId.'),
    valueLength: count(1_024, 'Characters of a text value, and of a status.'),
    devices: count(100_000, 'Devices stored. Beyond it new devices are rejected and known ones go on.'),
    fleetBytes: count(268_435_456, 'Payload bytes that the last values of all devices may hold together.'),
    recentBytes: count(
      67_108_864,
      'Size of the recent messages that are held in memory for the device pages while the history is off.',
    ),
    registryBytes: count(33_554_432, 'Bytes that everything people say about devices may take up, without pictures.'),
    pictureBytes: count(131_072, 'Bytes of the picture of one device.'),
    picturesBytes: count(33_554_432, 'Bytes of the pictures of all devices together.'),
    clockToleranceSeconds: count(300, 'How far ahead of the server’s clock a device’s time may lie and still be believed; twice as far behind its clock counts as right.'),
    forgottenDevices: count(10_000, 'Names of forgotten devices that are remembered, so that no retained message brings one back; the oldest go first.'),
    topics: count(
      20_000,
      'Topics in the topic tree. Beyond it those silent for an hour make room, else new ones are only counted.',
    ),
    topicPayloadBytes: count(512, 'Stored bytes of the last payload of each of these topics.'),
    streamClients: count(10_000, 'Browsers and programs connected to the event stream at once.'),
    streamClientsPerAddress: count(2_000, 'The same from one address; many viewers may share a proxy.'),
    streamBufferBytes: count(
      524_288,
      'Bytes that may wait for one slow stream client; beyond it only the latest state of each device is held for it.',
    ),
    streamWaitingBytes: count(16_777_216, 'Bytes that may wait for all slow stream clients together; beyond it each may have an eighth of its own limit.'),
    streamStuckSeconds: count(30, 'A stream client that takes nothing of what waits for so long is closed (1013).'),
    streamLogBytes: count(8_388_608, 'Bytes of past events stored for stream clients that reconnect.'),
    streamDevices: count(10_000, 'Devices that one stream client may name.'),
    replays: count(20, 'Replays of the past, and questions about the fleet at a past moment, at once.'),
    replayMessages: count(50_000, 'Messages that one replay holds ahead in memory.'),
    streamGroups: count(100, 'Groups that one stream client may name.'),
    accounts: count(1_000, 'Accounts that can be made.'),
    auditEntries: count(10_000, 'Entries stored in the audit log; the oldest go first.'),
    streamRequestsPerSecond: count(50, 'Frames a second that one stream client may send.'),
    headerBytes: whole(1_024, 1_048_576, 16_384, 'Bytes of the headers of one request.'),
    headerSeconds: whole(1, 3_600, 10, 'Seconds within which the headers of a request must have come.'),
    requestSeconds: whole(1, 86_400, 300, 'Seconds within which a whole request must have come, with its body.'),
    connections: count(20_000, 'Connections at once, those of the event stream among them.'),
  }).prefault({}),
  dataDir: z.coerce.string().min(1).default('.data').describe('Folder for everything that is stored on disk.'),
  databaseUrl: z.union([z.literal(''), z.url({ protocol: /^postgres(?:ql)?$/, error: 'must be an address such as postgres://user:password@host:5432/leitstand' })])
    .default('').describe(
      'A PostgreSQL database in which the history, accounts and everything else is stored, instead of a file in `NUXT_DATA_DIR`: `postgres://user:password@host:5432/leitstand`. Empty: SQLite.',
    ),
  cluster: yes('`true`: one of several replicas at the same broker and the same `NUXT_DATABASE_URL`. Each takes its share of the messages; every one answers everything.'),
  history: z.enum([
    'on',
    'off',
  ]).default('on').describe(
    '`off` stores no messages: they are acknowledged as they come. What people write about devices is stored all the same.',
  ),
  historyDurability: z.enum(['full', 'normal']).default('full').describe('`full`: on disk before every acknowledgement. `normal`: a power cut may take the last moments.'),
  historyRawDays: days(14, 'Days for which every message is retained since it arrived; 0 is for ever.'),
  historyMinuteDays: days(365, 'Days for which minutes (count, min, max, mean, last) are retained; 0 is for ever.'),
  historyHourDays: days(0, 'Days for which hours are retained; 0 is for ever.'),
  forgetUndoSeconds: whole(0, 3_600, 30, 'How long a forgotten device can be brought back as it was.'),
  historyMegabytes: count(2_000, 'Size that the history may have in all; the oldest messages go first.'),
}).superRefine(({ cluster, databaseUrl, mqtt, history }, { addIssue }) => {
  if (!cluster) return
  if (!databaseUrl) addIssue({
    code: 'custom',
    path: ['databaseUrl'],
    message: 'must be set where NUXT_CLUSTER is true: the replicas share what is stored there',
  })
  if (!mqtt.url) addIssue({ code: 'custom', path: ['mqtt', 'url'], message: 'must be set where NUXT_CLUSTER is true: the replicas share a broker' })
  if (history === 'off') addIssue({ code: 'custom', path: ['history'], message: 'must not be off where NUXT_CLUSTER is true: what is stored is what the replicas tell each other' })
})
export type Settings = z.infer<typeof SettingsSchema>

/** A setting that cannot be used; the message names the variable and is fit to show. */
export class SettingsError extends Error {}

/**
 * Checks the runtime configuration once at start. Values come from the environment as they were written (Nitro casts
 * them: a password `007` would arrive as a number), else from `config`. Each can lie in a file instead: `NUXT_MQTT_PASSWORD_FILE`
 * names it, and the newline at its end does not count.
 * @throws {SettingsError} naming each variable that is wrong and why; never with a value or a file's name.
 */
export function readSettings(config: object, env: Record<string, string | undefined>): Settings {
  const merged = Object.fromEntries(Object.keys(SettingsSchema.shape).map((group) => {
    const given: unknown = Reflect.get(config, group)
    if (typeof given !== 'object' || given === null) return [group, valueOf(variableName([group]), env) ?? given]
    const fields = Object.entries(given)
    return [group, Object.fromEntries(fields.map(([key, value]) => [key, valueOf(variableName([group, key]), env) ?? value]))]
  }))
  const result = SettingsSchema.safeParse(merged)
  if (result.success) return result.data
  const faults = result.error.issues.map(issue => `${variableName(issue.path)} ${sentence(issue.message)}`)
  throw new SettingsError(`The settings are not usable: ${faults.join('; ')}.`)
}

/** What the environment says about a variable, itself or by the file that it names; an empty file name is none. */
function valueOf(name: string, env: Record<string, string | undefined>): string | undefined {
  const file = env[`${name}_FILE`]
  if (!file) return env[name]
  if (env[name]) throw new SettingsError(`The settings are not usable: ${name} and ${name}_FILE are both set; one of them must go.`)
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  }
  catch {
    throw new SettingsError(`The settings are not usable: ${name}_FILE names a file that cannot be read.`)
  }
}

/** `['mqtt', 'caFile']` -> `NUXT_MQTT_CA_FILE`. */
export function variableName(path: readonly PropertyKey[]): string {
  return ['NUXT', ...path.map(String)].join('_').replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase()
}

function isHostName(item: string): boolean {
  return item === '*' || /^[\w-]+(?:\.[\w-]+)*$/.test(item)
}

function isOrigin(item: string): boolean {
  return /^https?:/.test(item) && URL.canParse(item) && new URL(item).origin === item
}

/** Without TLS only on this machine. */
function isIssuer(item: string): boolean {
  if (item === '' || !URL.canParse(item)) return item === ''
  const { protocol, hostname, search, hash, username } = new URL(item)
  const isHere = hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
  return (protocol === 'https:' || (protocol === 'http:' && isHere)) && !search && !hash && !username
}

function isFrameAncestor(item: string): boolean {
  return ['none', 'self', '\'none\'', '\'self\''].includes(item) || isOrigin(item)
}

function isAddressRange(item: string): boolean {
  const [address = '', bits, ...more] = item.split('/')
  const most = { 4: 32, 6: 128 }[isIP(address)]
  return item === 'loopback' || item === 'private'
    || (most !== undefined && more.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most)))
}

function sentence(message: string): string {
  return message.startsWith('must') ? message : `is wrong: ${message.charAt(0).toLowerCase()}${message.slice(1)}`
}
