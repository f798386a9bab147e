const DEFAULT_PORTS: Record<string, string> = { 'mqtt:': '1883', 'mqtts:': '8883', 'ws:': '80', 'wss:': '443' }
const LOOPBACK = /^(?:127(?:\.\d+){3}|\[::1\])$/
/** Everything else is quoted, so that the line can be pasted into any POSIX shell. */
const NEEDS_NO_QUOTES = /^[\w./:-]+$/

/**
 * A command that makes a device known, to try in a terminal: `mosquitto_pub -h localhost -p 1883 -t
 * sensors/tor-1/telemetry …`.
 */
export function publishCommand(brokerUrl: string, deviceId: string): string {
  const { host, port } = brokerAddress(brokerUrl)
  const topic = quoted(telemetryTopic(deviceId))
  return `mosquitto_pub -h ${quoted(host)} -p ${port} -t ${topic} -m '{"metrics":{"tempC":22.4,"doorState":"open"}}'`
}

/** The topic on which a device publishes its values. */
export function telemetryTopic(deviceId: string): string {
  return `sensors/${deviceId}/telemetry`
}

function brokerAddress(brokerUrl: string): { host: string, port: string } {
  if (!URL.canParse(brokerUrl)) return { host: 'localhost', port: '1883' }
  const { protocol, hostname, port } = new URL(brokerUrl)
  return { host: LOOPBACK.test(hostname) ? 'localhost' : hostname, port: port || (DEFAULT_PORTS[protocol] ?? '1883') }
}

function quoted(text: string): string {
  return NEEDS_NO_QUOTES.test(text) ? text : `'${text.replaceAll('\'', String.raw`'\''`)}'`
}
